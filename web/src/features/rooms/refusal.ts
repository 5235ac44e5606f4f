import { explain } from "../../app/explain";
import { t } from "../../app/i18n";
import { ApiError } from "../../wire/http";

/** Why a code did not let somebody in. */
export function refusal(error: unknown): string {
  const unknown = error instanceof ApiError && error.code === "room_not_found";
  return unknown ? t("This code does not work, or does not any more.") : explain(error);
}
