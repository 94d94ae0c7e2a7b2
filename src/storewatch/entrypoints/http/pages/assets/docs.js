// Shows the calls of this service, from its own document and with nothing from elsewhere.
"use strict";

SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
