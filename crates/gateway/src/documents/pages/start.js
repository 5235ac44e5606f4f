SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
  // A session in a cookie: changes need the CSRF token, which scripts of this origin can read.
  requestInterceptor(request) {
    const token = /(?:^|;\s*)(?:__Host-)?hubbub_csrf=([^;]+)/.exec(document.cookie)?.[1];
    if (token && !request.headers.Authorization) request.headers["X-CSRF-Token"] ??= token;
    return request;
  },
});
