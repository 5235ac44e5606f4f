import { type FormEvent, useState } from "react";
import { explain } from "../../app/explain";
import { t, useLanguage } from "../../app/i18n";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Logo } from "../../ui/Logo";
import { ApiError } from "../../wire/http";
import { logIn, type Notice, register } from "./session";
import "./auth.css";

interface Props {
  /** Whether somebody was invited, and is to be let in afterwards. */
  readonly invited: boolean;
  readonly notice?: Notice | undefined;
}

/** The first thing a stranger sees: one form, for those who are new and those who come back. */
export function AuthPage({ invited, notice }: Props) {
  useLanguage();
  const known = localStorage.getItem("hubbub.username") ?? "";
  const [isNew, setNew] = useState(known === "");
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    setBusy(true);
    setError(undefined);
    try {
      const username = text("username").trim().toLowerCase();
      if (isNew) await register(username, text("password"), text("display_name"));
      else await logIn(username, text("password"));
      localStorage.setItem("hubbub.username", username);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
      setBusy(false);
    }
  }

  return (
    <main className="auth">
      <form className="auth-card" onSubmit={(event) => void submit(event)}>
        <header className="auth-head">
          <Logo />
          <h1>{isNew ? t("Join the conversation") : t("Welcome back")}</h1>
          <p>{invited ? t("You have been invited. One step, and you are in.") : lead(isNew)}</p>
          {notice && (
            <p className="auth-notice" role="status">
              {said(notice)}
            </p>
          )}
        </header>
        {isNew && (
          <Field
            label={t("Your name")}
            name="display_name"
            hint={t("What others see. You can change it at any time.")}
            autoComplete="name"
            maxLength={200}
            error={fault(error, "display_name")}
          />
        )}
        <Field
          label={t("User name")}
          name="username"
          hint={isNew ? t("3 to 32 letters, digits, or . _ -") : undefined}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          defaultValue={known}
          required
          error={fault(error, "username")}
        />
        <Field
          label={t("Password")}
          name="password"
          type="password"
          hint={isNew ? t("At least 8 characters") : undefined}
          autoComplete={isNew ? "new-password" : "current-password"}
          minLength={isNew ? 8 : undefined}
          required
          error={fault(error, "password")}
        />
        {error && !isFieldError(error) && (
          <p className="auth-error" role="alert">
            {explain(error)}
          </p>
        )}
        <Button kind="primary" type="submit" isDisabled={busy}>
          {isNew ? t("Create account") : t("Log in")}
        </Button>
        <p className="auth-switch">
          {isNew ? t("Already have an account?") : t("New here?")}{" "}
          <button type="button" onClick={() => setNew(!isNew)}>
            {isNew ? t("Log in") : t("Create an account")}
          </button>
        </p>
      </form>
    </main>
  );
}

function lead(isNew: boolean): string {
  return isNew
    ? t("Pick a name and a password. That is all it takes.")
    : t("Your rooms are where you left them.");
}

function said(notice: Notice): string {
  switch (notice) {
    case "ended":
      return t("Your session has ended. Log in again.");
    case "left":
      return t("You are logged out.");
    case "untold":
      return t("You are logged out on this device. The server can’t be reached yet and will be told later.");
  }
}

/** What is wrong with a field, in the person's language: the server says it in English. */
function fault(error: ApiError | undefined, field: "display_name" | "username" | "password") {
  if (field === "username" && error?.code === "username_taken") return t("This name is taken.");
  if (error?.field(field) === undefined) return undefined;
  switch (field) {
    case "display_name":
      return t("Up to 64 characters, in one line");
    case "username":
      return t("3 to 32 letters, digits, or . _ -");
    case "password":
      return t("8 to 256 characters");
  }
}

function isFieldError(error: ApiError): boolean {
  return error.code === "username_taken" || (error.problem?.errors?.length ?? 0) > 0;
}
