import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { closeDialog } from "../../app/dialogs";
import { explain } from "../../app/explain";
import { t, useLocale } from "../../app/i18n";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { NotLoaded } from "../../ui/NotLoaded";
import { toast } from "../../ui/Toasts";
import type { Me, SessionList } from "../../wire/types";
import { useBlocks } from "../people/blocks";
import { ago } from "../people/PersonLine";
import { api, becomes, logOut, useMe } from "../session/session";

/** What others are told, where one is logged in, and how to end it. */
export function SessionSettings() {
  return (
    <div className="form">
      <Privacy />
      <Blocked />
      <Sessions />
      <Password />
      <EndAccount />
    </div>
  );
}

function Privacy() {
  const me = useMe();
  const change = useMutation({
    mutationFn: (body: object) => api.ask<Me>("me", { method: "PATCH", body }),
    onSuccess: becomes,
    onError: (error) => toast(explain(error)),
  });
  return (
    <section>
      <label className="toggle">
        {t("Tell others what I have read")}
        <input
          type="checkbox"
          checked={me.send_receipts}
          onChange={({ currentTarget }) => change.mutate({ send_receipts: currentTarget.checked })}
        />
      </label>
      <label className="toggle">
        {t("Tell others when I am typing")}
        <input
          type="checkbox"
          checked={me.send_typing}
          onChange={({ currentTarget }) => change.mutate({ send_typing: currentTarget.checked })}
        />
      </label>
    </section>
  );
}

function Blocked() {
  const { blocked, setBlocked } = useBlocks();
  if (blocked.length === 0) return null;
  return (
    <section>
      <h3 className="field-label">{t("Blocked people")}</h3>
      <ul className="sessions">
        {blocked.map(({ id, display_name, username }) => (
          <li key={id}>
            <span dir="auto">
              {display_name}
              <span className="field-hint" dir="ltr">
                @{username}
              </span>
            </span>
            <Button onPress={() => setBlocked(id, false)}>{t("Unblock")}</Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Sessions() {
  const locale = useLocale();
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ["sessions"], queryFn: () => api.ask<SessionList>("me/sessions") });
  const { data } = query;
  const end = useMutation({
    mutationFn: (path: string) => api.ask(path, { method: "DELETE" }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
    onError: (error) => toast(explain(error)),
  });
  return (
    <section>
      <h3 className="field-label">{t("Where you are logged in")}</h3>
      <NotLoaded query={query} />
      <ul className="sessions">
        {data?.sessions.map(({ id, client, renewed_at, current }) => (
          <li key={id}>
            <span>
              {client ? browserOf(client) : t("Unknown device")}
              <span className="field-hint">
                {current ? t("This one") : t("Last used {ago}", { ago: ago(Date.parse(renewed_at), locale) })}
              </span>
            </span>
            {!current && <Button onPress={() => end.mutate(`me/sessions/${id}`)}>{t("End")}</Button>}
          </li>
        ))}
      </ul>
      {(data?.sessions.length ?? 0) > 1 && (
        <Button onPress={() => end.mutate("me/sessions")}>{t("End all others")}</Button>
      )}
    </section>
  );
}

/** What a person would call the client that calls itself so. */
function browserOf(client: string): string {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(client)?.[1];
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(client)?.[1];
  const name = browser === "Edg" ? "Edge" : browser === "OPR" ? "Opera" : browser;
  return name ? [name, system].filter(Boolean).join(", ") : client.slice(0, 60);
}

function Password() {
  const change = useMutation({
    mutationFn: (body: object) => api.ask("me/password", { method: "PUT", body }),
    onSuccess: () => toast(t("The password is changed. All other sessions have ended.")),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    change.mutate(
      { current: data.get("current"), password: data.get("password") },
      { onSuccess: () => form.reset() },
    );
  };
  return (
    <details className="more">
      <summary>{t("Change password")}</summary>
      <form className="form" onSubmit={submit}>
        <Field
          label={t("Present password")}
          name="current"
          type="password"
          autoComplete="current-password"
          required
        />
        <Field
          label={t("New password")}
          name="password"
          type="password"
          autoComplete="new-password"
          minLength={8}
          required
          error={change.isError ? explain(change.error) : undefined}
        />
        <Button kind="primary" type="submit" isDisabled={change.isPending}>
          {t("Change")}
        </Button>
      </form>
    </details>
  );
}

function EndAccount() {
  const [password, setPassword] = useState("");
  const end = useMutation({
    mutationFn: () => api.ask("me", { method: "DELETE", body: { password } }),
    onSuccess: () => {
      closeDialog();
      void logOut();
    },
  });
  return (
    <details className="more">
      <summary>{t("Delete account")}</summary>
      <p>
        {t("Your name, picture and settings go for good. What you have written stays, without your name.")}
      </p>
      <Field
        label={t("Password")}
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={({ currentTarget }) => setPassword(currentTarget.value)}
        error={end.isError ? explain(end.error) : undefined}
      />
      <Button kind="danger" isDisabled={password === "" || end.isPending} onPress={() => end.mutate()}>
        {t("Delete my account")}
      </Button>
    </details>
  );
}
