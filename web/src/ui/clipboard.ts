import { t } from "../app/i18n";
import { toast } from "./Toasts";

/** Puts a text on the clipboard, and says so. */
export function copy(text: string): void {
  // Outside a secure context there is no clipboard.
  if (!navigator.clipboard) {
    toast(t("This browser does not let a page copy here."));
    return;
  }
  navigator.clipboard.writeText(text).then(
    () => toast(t("Copied")),
    () => toast(t("This browser does not let a page copy here.")),
  );
}
