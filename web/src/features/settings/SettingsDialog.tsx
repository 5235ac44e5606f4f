import { type ReactNode, useState } from "react";
import { closeDialog } from "../../app/dialogs";
import { LANGUAGES, type Language, t } from "../../app/i18n";
import { prefer, usePreferences } from "../../app/preferences";
import { Choice } from "../../ui/Choice";
import { Dialog } from "../../ui/Dialog";
import { ProfileSettings } from "../profile/ProfileSettings";
import { logOut } from "../session/session";
import { NotificationSettings } from "./NotificationSettings";
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
          {page === "notifications" && <NotificationSettings />}
          {page === "sessions" && <SessionSettings />}
        </div>
      </div>
    </Dialog>
  );
}

function Appearance() {
  const { theme, density, language, enterSends, linkPreviews } = usePreferences();
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
      <label className="toggle">
        {t("Show link previews")}
        <input
          type="checkbox"
          checked={linkPreviews}
          onChange={({ currentTarget }) => prefer({ linkPreviews: currentTarget.checked })}
        />
      </label>
    </Stack>
  );
}

function Stack({ children }: { readonly children: ReactNode }) {
  return <div className="form">{children}</div>;
}
