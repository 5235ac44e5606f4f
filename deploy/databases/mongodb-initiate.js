// Initiates the replica set and makes the accounts, as far as that has not been done yet. Until there is
// an account, MongoDB lets whoever is on its own machine do this.
const password = process.env.MONGODB_PASSWORD;
const admin = db.getSiblingDB("admin");

if (!admin.hello().setName) {
  rs.initiate({ _id: "rs0", members: [{ _id: 0, host: `${process.env.MONGODB_HOST}:27017` }] });
}
for (let tries = 0; !admin.hello().isWritablePrimary; tries += 1) {
  if (tries === 120) throw new Error("this member does not become primary");
  sleep(500);
}
try {
  admin.auth("admin", password);
} catch {
  admin.createUser({ user: "admin", pwd: password, roles: ["root"] });
  admin.auth("admin", password);
}
if (!admin.getUser("hubbub")) {
  const roles = [{ role: "dbOwner", db: "hubbub" }];
  admin.createUser({ user: "hubbub", pwd: password, roles });
}
