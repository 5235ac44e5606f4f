import { ApiError } from "../wire/http";
import type { ErrorCode } from "../wire/types";
import { t } from "./i18n";

/** What went wrong, in the person's language, with what they can do about it where there is something. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return t("Something went wrong. Try again.");
  const seconds = Math.ceil((error.problem?.retry_after_ms ?? 1_000) / 1_000);
  return inWords(error.code, seconds) ?? error.message;
}

/** A refusal's code in words, or nothing where only the server's own words tell enough. */
export function inWords(code: string, seconds = 1): string | undefined {
  switch (code as ErrorCode | "offline") {
    case "offline":
      return t("The server can’t be reached. Check your connection.");
    case "rate_limited":
      return t("Too many tries. Try again in {seconds, plural, one {# second} other {# seconds}}.", {
        seconds,
      });
    case "slow_mode":
      return t("Slow mode: you can write again in {seconds, plural, one {# second} other {# seconds}}.", {
        seconds,
      });
    case "overloaded":
    case "unavailable":
    case "draining":
    case "timeout":
      return t("The server is busy. Try again in a moment.");
    case "internal":
      return t("The server made a mistake. Try again.");
    case "forbidden":
      return t("You may not do that here.");
    case "room_not_found":
      return t("This room is not there, or you are not in it.");
    case "user_not_found":
      return t("This person is not there any more.");
    case "message_not_found":
    case "message_deleted":
      return t("The message is not there any more.");
    case "edit_too_late":
      return t("It is too late to edit this message.");
    case "owner_must_stay":
      return t("You own this room: hand it over to somebody, or destroy it.");
    case "last_admin":
      return t("The last administrator has to stay one.");
    case "muted":
      return t("You are muted here for now.");
    case "banned":
      return t("You may not come back into this room.");
    case "blocked":
      return t("One of you has blocked the other.");
    case "room_archived":
      return t("This room is archived: it can be read, but nothing can be added.");
    case "word_refused":
      return t("A word in it may not be used here.");
    case "links_refused":
      return t("You may not post links here.");
    case "text_too_long":
      return t("That is too long.");
    case "too_many_reactions":
      return t("This message has as many different reactions as it can have.");
    case "quota_exceeded":
      return t("Your files take all the space you have. Delete some first.");
    case "payload_too_large":
      return t("The file is too large for the server.");
    case "image_unreadable":
      return t("This picture can’t be read.");
    case "image_too_large":
      return t("This picture has too many pixels.");
    case "invalid_credentials":
      return t("The user name or the password is wrong.");
    case "account_suspended":
      return t("This account is suspended.");
    default:
      return undefined;
  }
}
