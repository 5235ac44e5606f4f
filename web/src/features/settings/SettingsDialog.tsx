import { type ReactNode, useState } from "react";
import { closeDialog } from "../../app/dialogs";
import { LANGUAGES, type Language, t } from "../../app/i18n";
import { prefer, usePreferences } from "../../app/preferences";
import { Button } from "../../ui/Button";
import { Choice } from "../../ui/Choice";
import { Dialog } from "../../ui/Dialog";
import { toast } from "../../ui/Toasts";
import { askForNotifications } from "../notifications/notifications";
import { ProfileSettings } from "../profile/ProfileSettings";
import { logOut } from "../session/session";
import { SessionSettings } from "./SessionSettings";
import "./settings.css";

const PAGES = ["profile", "appearance", "notifications", "sessions"] as const;
type Page = (typeof PAGES)[number];

/** Everything a person can set. */
export default function SettingsDialog() {
  const [page, turnTo] = useState<Page>("profile");
  const titles: Record<Page, string> = {
    profile: t("Profile"),
    appearance: t("Appearance"),
    notifications: t("Notifications"),
    sessions: t("Privacy and sessions"),
  };
  return (
    <Dialog title={t("Settings")} wide onClose={closeDialog}>
      <div className="settings">
        <nav className="settings-nav" aria-label={t("Settings")}>
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
          <button
            type="button"
            onClick={() => {
              closeDialog();
              void logOut();
            }}
          >
            {t("Log out")}
          </button>
        </nav>
        <div className="settings-page">
          {page === "profile" && <ProfileSettings />}
          {page === "appearance" && <Appearance />}
          {page === "notifications" && <Notifications />}
          {page === "sessions" && <SessionSettings />}
        </div>
      </div>
    </Dialog>
  );
}

function Appearance() {
  const { theme, density, language, enterSends } = usePreferences();
  return (
    <Stack>
      <Choice
        label={t("Theme")}
        value={theme}
        onChange={(value) => prefer({ theme: value })}
        options={[
          { value: "system", label: t("As the device") },
          { value: "light", label: t("Light") },
          { value: "dark", label: t("Dark") },
        ]}
      />
      <Choice
        label={t("Density")}
        value={density}
        onChange={(value) => prefer({ density: value })}
        options={[
          { value: "comfortable", label: t("Comfortable") },
          { value: "compact", label: t("Compact") },
        ]}
      />
      <Choice
        label={t("Language")}
        value={language}
        onChange={(value) => prefer({ language: value })}
        options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, label: LANGUAGES[value] }))}
      />
      <label className="toggle">
        {t("Enter sends, Shift+Enter makes a new line")}
        <input
          type="checkbox"
          checked={enterSends}
          onChange={({ currentTarget }) => prefer({ enterSends: currentTarget.checked })}
        />
      </label>
    </Stack>
  );
}

function Notifications() {
  const { notifications } = usePreferences();
  const [permission, setPermission] = useState(() =>
    "Notification" in window ? Notification.permission : "denied",
  );
  const ask = async () => {
    const granted = await askForNotifications();
    setPermission(granted ? "granted" : "denied");
    if (granted) new Notification("Hubbub", { body: t("Notifications work."), tag: "test" });
    else toast(t("The browser does not allow notifications for this page."));
  };
  return (
    <Stack>
      <Choice
        label={t("While you are not looking")}
        value={notifications}
        onChange={(value) => prefer({ notifications: value })}
        options={[
          { value: "content", label: t("Show who wrote and what") },
          { value: "sender", label: t("Show only that something was written") },
          { value: "off", label: t("Show nothing") },
        ]}
      />
      <p className="field-hint">
        {permission === "granted"
          ? t("This browser shows notifications while Hubbub is open in a tab.")
          : t("This browser has not been allowed to show notifications.")}
      </p>
      <Button onPress={() => void ask()}>
        {permission === "granted" ? t("Show a test notification") : t("Allow notifications")}
      </Button>
    </Stack>
  );
}

function Stack({ children }: { readonly children: ReactNode }) {
  return <div className="form">{children}</div>;
}
