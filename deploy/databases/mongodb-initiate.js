// Initiates the replica set and makes the accounts, as far as that has not been done yet. Until there is
// an account, MongoDB lets whoever is on its own machine do this.
const { MONGODB_PASSWORD, MONGODB_ROOT_PASSWORD } = process.env;
const admin = db.getSiblingDB("admin");

if (!admin.hello().setName) {
  rs.initiate({ _id: "rs0", members: [{ _id: 0, host: `${process.env.MONGODB_HOST}:27017` }] });
}
for (let tries = 0; !admin.hello().isWritablePrimary; tries += 1) {
  if (tries === 120) throw new Error("this member does not become primary");
  sleep(500);
}
try {
  admin.auth("admin", MONGODB_ROOT_PASSWORD);
} catch {
  admin.createUser({ user: "admin", pwd: MONGODB_ROOT_PASSWORD, roles: ["root"] });
  admin.auth("admin", MONGODB_ROOT_PASSWORD);
}
if (!admin.getUser("hubbub")) {
  const roles = [{ role: "dbOwner", db: "hubbub" }];
  admin.createUser({ user: "hubbub", pwd: MONGODB_PASSWORD, roles });
}
