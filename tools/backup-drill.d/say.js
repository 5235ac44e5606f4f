// For tools/backup-drill: somebody says `COUNT` numbered things in a room and waits for their acks.

import { Account } from "../../loadtest/lib/account.js";
import { login } from "../../loadtest/lib/api.js";
import { Client } from "../../loadtest/lib/client.js";
import { SERVERS } from "../../loadtest/lib/environment.js";
import { announce, promises } from "../../loadtest/lib/metrics.js";
import { sleep, verify } from "../../loadtest/lib/verify.js";

export const options = { thresholds: promises(1) };

export default async function () {
  announce();
  const client = new Client(new Account(await login(SERVERS[0], __ENV.NAME)), [__ENV.ROOM]);
  await client.start();
  for (let n = 0; n < Number(__ENV.COUNT); n++) {
    client.say(__ENV.ROOM, `${__ENV.LABEL} ${n}`);
    // As fast as one account may for long.
    await sleep(100);
  }
  await verify([client], 30_000);
  client.stop();
}
