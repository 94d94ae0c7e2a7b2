-- The job board's verbs. A call of this script is one verb, and nothing comes between its steps.
-- A script that fails undoes nothing. With its memory full the server refuses the first step that adds something,
-- so none that takes something away may stand before it.
-- KEYS[1] is the hash tag that begins every key, so that all lie in one slot of a cluster; ARGV[1] is the verb,
-- ARGV[2] its arguments as a JSON object, in which what is not given does not stand.
--
--   <tag>:job:<id>     hash: a job. Instants are whole microseconds since 1970, by the server's clock
--   <tag>:jobs         sorted set: every id, by the job's number in the order of submits
--   <tag>:queued       sorted set: ids by that number too, so that a job that comes back takes its old place
--   <tag>:few          sorted set: by their numbers, ids of jobs that have not ended, in the lane of few stores
--   <tag>:turn         the lane of the last claim, as 1 (few) or 0
--   <tag>:running      sorted set: ids by the instant at which the lease ends
--   <tag>:paused       sorted set: those of the queued ids that nobody may claim yet, by the instant until which
--   <tag>:complete, <tag>:failed, <tag>:cancelled    sorted sets: ids by the instant of the end
--   <tag>:plain        sorted set: names of complete jobs of all stores by the default rules (`plain_name`), by their as-of
--   <tag>:plain_until  the end of the last complete job that was looked at for that set
--   <tag>:workers      sorted set: names of workers by the instant until which they count as live
--   <tag>:heard        the instant at which a worker was heard of last
--   <tag>:keys         hash: the id of the job that was submitted with a key
--   <tag>:submitted    how many jobs there ever were

local tag, verb, given = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- Lua writes large numbers as 1.7e+15, and hands them to commands so.
local function whole(number)
  return string.format('%.0f', number)
end

local function after(seconds)
  return whole(now + seconds * 1000000)
end

local function job_key(id)
  return tag .. ':job:' .. id
end

local function set_key(state)
  return tag .. ':' .. string.lower(state)
end

local function job(id)
  return redis.call('HGETALL', job_key(id))
end

local function field(id, name)
  return redis.call('HGET', job_key(id), name)
end

-- A job without the ids of stores that it may name.
local function brief_job(id)
  local brief = field(id, 'brief')
  if not brief then
    return job(id)
  end
  local told = {'request', brief}
  for _, name in ipairs(redis.call('HKEYS', job_key(id))) do
    if name ~= 'request' then
      table.insert(told, name)
      table.insert(told, field(id, name))
    end
  end
  return told
end

local function number(id, name)
  return tonumber(field(id, name))
end

local function move(id, from, to, score)
  redis.call('ZADD', set_key(to), score, id)
  if from ~= to then
    redis.call('ZREM', set_key(from), id)
    redis.call('HSET', job_key(id), 'state', to)
  end
end

local function queue_again(id)
  move(id, 'Running', 'Queued', field(id, 'number'))
end

local function finish_as(state, id, from)
  move(id, from, state, whole(now))
  redis.call('ZREM', tag .. ':paused', id)
  redis.call('ZREM', tag .. ':few', id)
  redis.call('HSET', job_key(id), 'ended', whole(now))
end

-- 18 digits and the id. Of equal as-ofs the greatest is, of those with an overview, what was submitted last.
local function plain_name(id)
  local text = field(id, 'request')
  local has_overview = #text <= 1000 and cjson.decode(text).overview
  return string.format('%d%017d %s', has_overview and 1 or 0, number(id, 'number'), id)
end

-- Whether a job asks for nothing but the default, whichever version wrote what it asks.
local function is_plain(id)
  local text = field(id, 'request')
  if #text > 1000 then  -- a list of ids: not worth the reading
    return false
  end
  local asked = cjson.decode(text)
  for _, name in ipairs(given.own) do
    asked[name] = nil
  end
  for name, value in pairs(asked) do
    if given.plain[name] == nil or cjson.encode(value) ~= cjson.encode(given.plain[name]) then
      return false
    end
  end
  return true
end

local function note_if_plain(id)
  local as_of = field(id, 'as_of')
  if as_of and is_plain(id) then
    redis.call('ZADD', tag .. ':plain', as_of, plain_name(id))
  end
end

local function is_held()
  return field(given.id, 'state') == 'Running' and number(given.id, 'epoch') == given.epoch
end

local function is_last_attempt(id)
  return number(id, 'attempts') >= given.max_attempts
end

local function run_out()
  return redis.call('ZRANGEBYSCORE', set_key('Running'), '-inf', whole(now))
end

-- While the server is away no lease can be renewed, so leases stand still for as long as no worker was heard of: a server
-- that comes back, with old calls in its buffers, takes no job from who holds it. A silence is one of more than half a
-- lease, for each worker is heard of three times in one. It is noted six times in one at most: idle workers call often.
local function hear(lease)
  local last = tonumber(redis.call('GET', tag .. ':heard') or 0)
  local silent, leased = now - last, lease * 1000000
  if silent > leased / 6 then
    redis.call('SET', tag .. ':heard', whole(now))
  end
  if last > 0 and silent > math.max(leased / 2, 1000000) then
    local held = redis.call('ZRANGEBYSCORE', set_key('Running'), whole(last), '+inf', 'WITHSCORES')
    for nth = 1, #held, 2 do
      redis.call('ZADD', set_key('Running'), whole(held[nth + 1] + silent), held[nth])
    end
  end
end

-- Whether a lease has run out for who only looks: a worker was heard of since then, or in some seconds none was, in which
-- each would have called if it was the server that had been away.
local function is_lost(id)
  local ends = redis.call('ZSCORE', set_key('Running'), id)
  if not ends or tonumber(ends) > now then
    return false
  end
  if tonumber(redis.call('GET', tag .. ':heard') or now) >= tonumber(ends) then
    return true
  end
  local doubted, since = string.match(field(id, 'doubted') or '', '(%d+) (%d+)')
  if doubted ~= ends then
    redis.call('HSET', job_key(id), 'doubted', ends .. ' ' .. whole(now))
    return false
  end
  return now - since > 5 * 1000000
end

local function note_lost_worker(id)
  local text = string.format(
    'the worker was lost in attempt %d of %d: its lease ran out', number(id, 'attempts'), given.max_attempts)
  redis.call('HSET', job_key(id), 'error', text)
end

local function give_up_last_attempts()
  for _, id in ipairs(run_out()) do
    if is_last_attempt(id) then
      note_lost_worker(id)
      finish_as('Failed', id, 'Running')
    end
  end
end

local function is_few(id)
  return redis.call('ZSCORE', tag .. ':few', id) and true or false
end

-- The oldest queued job of a lane that is not paused; nil if there is none.
local function oldest_waiting(few)
  local set, first = few and tag .. ':few' or set_key('Queued'), 0
  repeat
    local ids = redis.call('ZRANGE', set, first, first + 99)
    for _, id in ipairs(ids) do
      local is_waiting = redis.call('ZSCORE', set_key('Queued'), id) and not redis.call('ZSCORE', tag .. ':paused', id)
      if is_waiting and is_few(id) == few then
        return id
      end
    end
    first = first + 100
  until #ids == 0
end

-- The oldest job of a lane to claim and its state; nil if there is none.
local function claimable(few)
  local oldest, state = oldest_waiting(few), 'Queued'
  local lowest = oldest and number(oldest, 'number')
  for _, id in ipairs(run_out()) do
    local own = number(id, 'number')
    if is_few(id) == few and (not oldest or own < lowest) then
      oldest, state, lowest = id, 'Running', own
    end
  end
  return oldest, state
end

local verbs = {}

-- An id that is there already is this very submit, said again. Answers with the id and request of the job there is.
function verbs.submit()
  local held_by = given.submit_key and redis.call('HGET', tag .. ':keys', given.submit_key)
  if held_by then
    return {held_by, field(held_by, 'request')}
  end
  if redis.call('EXISTS', job_key(given.id)) == 0 then
    local place = redis.call('INCR', tag .. ':submitted')
    redis.call('HSET', job_key(given.id), 'id', given.id, 'number', place, 'state', 'Queued', 'request', given.request,
      'created', whole(now), 'attempts', 0, 'epoch', 0)
    if given.brief then
      redis.call('HSET', job_key(given.id), 'brief', given.brief)
    end
    redis.call('ZADD', tag .. ':jobs', place, given.id)
    redis.call('ZADD', set_key('Queued'), place, given.id)
    if given.few then
      redis.call('ZADD', tag .. ':few', place, given.id)
    end
    if given.submit_key then
      redis.call('HSET', job_key(given.id), 'submit_key', given.submit_key)
      redis.call('HSET', tag .. ':keys', given.submit_key, given.id)
    end
  end
  return {given.id, given.request}
end

function verbs.get()
  if is_lost(given.id) and is_last_attempt(given.id) then
    give_up_last_attempts()
  end
  return job(given.id)
end

function verbs.cancel()
  local state = field(given.id, 'state')
  if state ~= 'Queued' and state ~= 'Running' then
    return 0
  end
  finish_as('Cancelled', given.id, state)
  redis.call('HDEL', job_key(given.id), 'error')
  return 1
end

function verbs.claim()
  hear(given.lease)
  give_up_last_attempts()
  redis.call('ZREMRANGEBYSCORE', tag .. ':paused', '-inf', whole(now))
  local few = redis.call('GET', tag .. ':turn') ~= '1'
  local id, state = claimable(few)
  if not id then
    few = not few
    id, state = claimable(few)
  end
  if not id then
    return {}
  end
  if state == 'Running' then
    note_lost_worker(id)
  end
  move(id, state, 'Running', after(given.lease))
  redis.call('SET', tag .. ':turn', few and 1 or 0)
  redis.call('HINCRBY', job_key(id), 'attempts', 1)
  redis.call('HINCRBY', job_key(id), 'epoch', 1)
  redis.call('HSET', job_key(id), 'worker', given.worker, 'started', whole(now))
  redis.call('HDEL', job_key(id), 'stage', 'done', 'total')
  return job(id)
end

function verbs.pin()
  if not is_held() then
    return {}
  end
  redis.call('HSETNX', job_key(given.id), 'as_of', whole(given.as_of))
  redis.call('HSETNX', job_key(given.id), 'version', given.version)
  return job(given.id)
end

function verbs.beat()
  hear(given.lease)
  if not is_held() then
    return 0
  end
  redis.call('ZADD', set_key('Running'), after(given.lease), given.id)
  if given.stage then
    redis.call('HSET', job_key(given.id), 'stage', given.stage, 'done', whole(given.done), 'total', whole(given.total))
  end
  return 1
end

function verbs.finish()
  if is_held() then
    finish_as('Complete', given.id, 'Running')
    redis.call('HSET', job_key(given.id), 'key', given.key, 'rows', whole(given.rows))
    redis.call('HDEL', job_key(given.id), 'error')
    note_if_plain(given.id)
    return 1
  end
  local said_before = field(given.id, 'state') == 'Complete'
    and number(given.id, 'epoch') == given.epoch and field(given.id, 'key') == given.key
  return said_before and 1 or 0
end

function verbs.fail()
  if not is_held() then
    return 0
  end
  redis.call('HSET', job_key(given.id), 'error', given.error)
  if given.final or is_last_attempt(given.id) then
    finish_as('Failed', given.id, 'Running')
  else
    queue_again(given.id)
  end
  return 1
end

function verbs.hand_back()
  if not is_held() then
    return 0
  end
  redis.call('HINCRBY', job_key(given.id), 'attempts', -1)
  if given.reason then
    redis.call('HSET', job_key(given.id), 'error', given.reason)
    redis.call('HSETNX', job_key(given.id), 'held_up_since', whole(now))
  end
  if given.pause > 0 then
    redis.call('ZADD', tag .. ':paused', after(given.pause), given.id)
  end
  queue_again(given.id)
  return 1
end

function verbs.announce()
  hear(given.ttl)
  redis.call('ZADD', tag .. ':workers', after(given.ttl), given.worker)
  redis.call('ZREMRANGEBYSCORE', tag .. ':workers', '-inf', whole(now))
  return 1
end

function verbs.queue_length()
  return redis.call('ZCARD', set_key('Queued'))
end

-- The age of the oldest queued job in microseconds (false without one), the live workers, the jobs in each given state.
function verbs.overview()
  local oldest = redis.call('ZRANGE', set_key('Queued'), 0, 0)[1]
  local answer = {
    oldest and now - number(oldest, 'created') or false,
    redis.call('ZCOUNT', tag .. ':workers', '(' .. whole(now), '+inf'),
  }
  for _, state in ipairs(given.states) do
    table.insert(answer, redis.call('ZCARD', set_key(state)))
  end
  return answer
end

function verbs.recent()
  local jobs, highest = {}, given.before and '(' .. whole(given.before) or '+inf'
  for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', tag .. ':jobs', highest, '-inf', 'LIMIT', 0, given.limit)) do
    table.insert(jobs, brief_job(id))
  end
  return jobs
end

-- Workers of the version before note nothing: what they finished since the last look is noted here, some at a time.
-- Answers whether there may be more of it, then the job.
function verbs.newest_complete()
  local looked_until = redis.call('GET', tag .. ':plain_until') or '-inf'
  local unseen = redis.call(
    'ZRANGEBYSCORE', set_key('Complete'), '(' .. looked_until, '+inf', 'LIMIT', 0, given.limit)
  for _, id in ipairs(unseen) do
    note_if_plain(id)
  end
  if #unseen > 0 then
    redis.call('SET', tag .. ':plain_until', redis.call('ZSCORE', set_key('Complete'), unseen[#unseen]))
  end
  local more, highest = #unseen == given.limit and 1 or 0, given['until'] and whole(given['until']) or '+inf'
  while true do
    local newest = redis.call('ZREVRANGEBYSCORE', tag .. ':plain', highest, '-inf', 'LIMIT', 0, 1)[1]
    local found = newest and job(string.sub(newest, 20)) or {}
    if #found > 0 or not newest then
      return {more, found}
    end
    redis.call('ZREM', tag .. ':plain', newest)  -- forgotten by the version before
  end
end

function verbs.expired()
  local ids = {}
  for _, state in ipairs(given.states) do
    local room = given.limit - #ids
    local found = redis.call('ZRANGEBYSCORE', set_key(state), '-inf', after(-given.older_than), 'LIMIT', 0, room)
    for _, id in ipairs(found) do
      table.insert(ids, id)
    end
  end
  return ids
end

function verbs.forget()
  local count = 0
  for _, id in ipairs(given.ids) do
    for _, state in ipairs(given.states) do
      if redis.call('ZREM', set_key(state), id) == 1 then
        local key = field(id, 'submit_key')
        if key then
          redis.call('HDEL', tag .. ':keys', key)
        end
        redis.call('ZREM', tag .. ':plain', plain_name(id))
        redis.call('ZREM', tag .. ':few', id)  -- ended by the version before
        redis.call('ZREM', tag .. ':jobs', id)
        redis.call('DEL', job_key(id))
        count = count + 1
      end
    end
  end
  return count
end

return verbs[verb]()
