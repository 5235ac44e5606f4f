import { useState } from "react";
import { t } from "../../app/i18n";
import { prefer, usePreferences } from "../../app/preferences";
import { Button } from "../../ui/Button";
import { Choice } from "../../ui/Choice";
import { toast } from "../../ui/Toasts";
import { askForNotifications, permission, showNotification } from "../notifications/notifications";

/** What reaches a person who is not looking, and whether it can. */
export function NotificationSettings() {
  const { notifications, sounds } = usePreferences();
  const [allowed, setAllowed] = useState(permission);
  const ask = async () => {
    if (!(await askForNotifications())) toast(t("The browser does not allow notifications for this page."));
    setAllowed(permission());
    if (permission() !== "granted") return;
    await showNotification({ title: "Hubbub", body: t("Notifications work."), tag: "test", path: "/" });
  };
  return (
    <div className="form">
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
      <label className="toggle">
        {t("Play the device’s sound")}
        <input
          type="checkbox"
          checked={sounds}
          onChange={({ currentTarget }) => prefer({ sounds: currentTarget.checked })}
        />
      </label>
      <section>
        <h3 className="field-label">{t("Does it work?")}</h3>
        <p className="field-hint">{diagnosis(allowed)}</p>
      </section>
      {allowed !== "unsupported" && (
        <div className="dialog-actions">
          <Button onPress={() => void ask()} isDisabled={allowed === "denied"}>
            {allowed === "granted" ? t("Show a test notification") : t("Allow notifications")}
          </Button>
        </div>
      )}
      <p className="field-hint">
        {t(
          "Direct messages, mentions and replies notify you; what a room does is set in its details. Hubbub must be open in a tab.",
        )}
      </p>
    </div>
  );
}

function diagnosis(allowed: ReturnType<typeof permission>): string {
  switch (allowed) {
    case "granted":
      return t("This browser shows notifications. If none appear, look into the device’s own settings.");
    case "denied":
      return t("This browser refuses notifications of this page. Allow them in the settings of the page.");
    case "default":
      return t("This browser has not been asked yet.");
    case "unsupported":
      return t(
        "This browser shows no notifications here. On an iPhone, add Hubbub to the home screen first.",
      );
  }
}
