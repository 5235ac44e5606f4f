// Somebody's session. Its access token is renewed before it ends, for all connections that use it.

import { rotate } from "./api.js";
import { rotated } from "./metrics.js";
import { server } from "./environment.js";

export class Account {
  constructor({ id, name, token, refresh, expires }) {
    Object.assign(this, { id, name, token, refresh, expires });
    this.clients = new Set();
    this.timer = null;
  }

  /** Renews the token from now on, until `rest`. A refresh token works once, so one place does it. */
  keepFresh(n = 0) {
    if (this.timer !== null || this.stopped) {
      return;
    }
    const life = this.expires - Date.now();
    this.timer = setTimeout(
      async () => {
        this.timer = null;
        try {
          const answer = await rotate(server(n), this.refresh);
          this.token = answer.access_token;
          this.refresh = answer.refresh_token;
          this.expires = Date.now() + answer.expires_in * 1000;
          rotated.add(1);
          for (const client of this.clients) {
            client.refresh();
          }
        } catch (failure) {
          // Tried at another server a third of what is left later.
          console.warn(`renewing a token: ${failure.message}`);
        }
        if (!this.stopped) {
          this.keepFresh(n + 1);
        }
      },
      Math.max(1000, (life * 2) / 3),
    );
  }

  rest() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.timer = null;
  }
}
