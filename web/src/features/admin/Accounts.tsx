import { useQueryClient } from "@tanstack/react-query";
import { openDialog } from "../../app/dialogs";
import { t, useLocale } from "../../app/i18n";
import { Avatar } from "../../ui/Avatar";
import { MenuButton, type MenuEntry } from "../../ui/MenuButton";
import { PagedSearch, usePagedSearch } from "../../ui/PagedSearch";
import type { Account, AccountList } from "../../wire/types";
import { api, useMe } from "../session/session";

/** Every account: to find, suspend and reinstate, and to make an administrator. */
export function Accounts() {
  const search = usePagedSearch({
    queryKey: ["admin", "users"],
    ask: (q, after) => api.ask<AccountList>("admin/users", { query: { q, limit: 50, after } }),
    staleTime: 0,
  });
  const accounts = search.pages.flatMap((page) => page.users);
  return (
    <PagedSearch
      search={search}
      label={t("Name or user name")}
      isEmpty={accounts.length === 0}
      none={<p className="field-hint">{t("Nobody is called that.")}</p>}
    >
      <ul className="accounts">
        {accounts.map((account) => (
          <Row key={account.id} account={account} />
        ))}
      </ul>
    </PagedSearch>
  );
}

function Row({ account }: { readonly account: Account }) {
  const locale = useLocale();
  const me = useMe();
  const { id, display_name: name, username, avatar, status, admin, suspended_at, created_at } = account;
  const since = t("since {date}", { date: new Date(created_at).toLocaleDateString(locale) });
  return (
    <li className="account">
      <Avatar id={id} name={name} picture={avatar} status={status} />
      <span className="person-line">
        <span className="person-name" dir="auto">
          {name}
          {admin && <span className="person-role">{t("Administrator")}</span>}
          {suspended_at && <span className="person-role suspended">{t("Suspended")}</span>}
        </span>
        <span className="person-doing">
          <span dir="ltr">@{username}</span> · {since}
        </span>
      </span>
      {id !== me.id && !account.deleted && (
        <MenuButton icon="more" label={t("More about {name}", { name })} entries={useEntries(account)} />
      )}
    </li>
  );
}

function useEntries({ id, display_name: name, admin, suspended_at }: Account): MenuEntry[] {
  const queries = useQueryClient();
  const change = async (body: object) => {
    await api.ask(`admin/users/${id}`, { method: "PATCH", body });
    await queries.invalidateQueries({ queryKey: ["admin"] });
  };
  const because = (reason: string | undefined) => (reason ? { reason } : {});
  return [
    { id: "person", icon: "user", label: t("Profile"), act: () => openDialog({ kind: "person", user: id }) },
    suspended_at
      ? {
          id: "reinstate",
          icon: "check",
          label: t("Reinstate…"),
          act: () =>
            openDialog({
              kind: "confirm",
              question: {
                title: t("Reinstate {name}?", { name }),
                text: t("They can log in again."),
                action: t("Reinstate"),
                asksReason: true,
                act: (reason) => change({ suspended: false, ...because(reason) }),
              },
            }),
        }
      : {
          id: "suspend",
          icon: "lock",
          label: t("Suspend…"),
          danger: true,
          act: () =>
            openDialog({
              kind: "confirm",
              question: {
                title: t("Suspend {name}?", { name }),
                text: t("All their sessions end at once, and they can’t log in until they are reinstated."),
                action: t("Suspend"),
                danger: true,
                asksReason: true,
                act: (reason) => change({ suspended: true, ...because(reason) }),
              },
            }),
        },
    {
      id: "admin",
      icon: "gear",
      label: admin ? t("Take the administrator’s rights…") : t("Make administrator…"),
      act: () =>
        openDialog({
          kind: "confirm",
          question: {
            title: admin
              ? t("Take the administrator’s rights from {name}?", { name })
              : t("Make {name} an administrator?", { name }),
            text: t("Administrators suspend accounts, destroy rooms and see the record."),
            action: admin ? t("Take the rights") : t("Make administrator"),
            danger: true,
            asksReason: true,
            act: (reason) => change({ admin: !admin, ...because(reason) }),
          },
        }),
    },
  ];
}
