import { useState } from "react";
import { t } from "../../app/i18n";
import { leaveFor } from "../../app/router";
import { IconButton } from "../../ui/Button";
import { AuditList } from "../rooms/AuditList";
import { useMe } from "../session/session";
import { Accounts } from "./Accounts";
import { AllRooms } from "./AllRooms";
import "./admin.css";

const PAGES = ["accounts", "rooms", "record"] as const;
type Page = (typeof PAGES)[number];

/** What a site administrator can see and do. */
export default function AdminPage() {
  const me = useMe();
  const [page, turnTo] = useState<Page>("accounts");
  const titles: Record<Page, string> = {
    accounts: t("Accounts"),
    rooms: t("Rooms"),
    record: t("Record"),
  };
  return (
    <section className="page">
      <header className="room-head">
        <span className="only-phone">
          <IconButton icon="back" label={t("Back to the rooms")} onPress={() => leaveFor({ page: "home" })} />
        </span>
        <h1>{t("Administration")}</h1>
      </header>
      {me.admin ? (
        <div className="page-body">
          <nav className="tabs" aria-label={t("Administration")}>
            {PAGES.map((name) => (
              <button
                key={name}
                type="button"
                aria-current={name === page ? "page" : undefined}
                onClick={() => turnTo(name)}
              >
                {titles[name]}
              </button>
            ))}
          </nav>
          {page === "accounts" && <Accounts />}
          {page === "rooms" && <AllRooms />}
          {page === "record" && <AuditList path="admin/audit" />}
        </div>
      ) : (
        <div className="empty">
          <h2>{t("This page is for administrators of the site")}</h2>
        </div>
      )}
    </section>
  );
}
