// Backs up a member of the replica set while it runs, on the member's own machine: stops its writes for
// as long as its files are copied. Meanwhile the others go on; where it is the only one or the primary,
// acks wait, and people talk on.
//
//   DATA=/var/lib/mongodb TARGET=/backup/mongodb.tar.gz \
//       mongosh --quiet 'mongodb://backup@localhost/?directConnection=true' --file deploy/backup/mongodb.js
//
// PRIMARY=1 allows to do this on a primary. The user needs the role hostManager. The archive is readable
// for its owner only, and holds everything that was ever said.

const { execFileSync } = require("node:child_process");
const { existsSync, renameSync } = require("node:fs");

const { DATA, TARGET, PRIMARY } = process.env;
if (!DATA || !TARGET) {
  throw new Error("DATA names the member's directory (--dbpath), TARGET the archive to write");
}
if (!existsSync(`${DATA}/WiredTiger`)) {
  throw new Error(`${DATA} is not the directory of a mongod`);
}
if (db.hello().isWritablePrimary && PRIMARY !== "1") {
  throw new Error("this is the primary: take a secondary, or set PRIMARY=1");
}

process.umask(0o077);
const begun = Date.now();
const locked = db.fsyncLock();
if (!locked.ok) {
  throw new Error(`can't lock: ${locked.errmsg}`);
}
try {
  execFileSync("tar", [
    "-C",
    DATA,
    "--exclude=mongod.lock",
    "--exclude=diagnostic.data",
    "-cf",
    `${TARGET}.partial`,
    ".",
  ]);
} finally {
  db.fsyncUnlock();
}
print(`writes had to wait for ${Date.now() - begun} ms`);
// Packed once the member is free again. Appears complete or not at all.
execFileSync("sh", ["-c", 'gzip -c < "$1.partial" > "$1.packed" && rm "$1.partial"', "sh", TARGET]);
renameSync(`${TARGET}.packed`, TARGET);
