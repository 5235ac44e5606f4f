import { explain } from "../app/explain";
import { t } from "../app/i18n";
import { ApiError } from "../wire/http";
import { Button } from "./Button";

interface Query {
  readonly data: unknown;
  readonly error: Error | null;
  readonly isError: boolean;
  /** Whether it waits for the device to have a network. */
  readonly isPaused: boolean;
  readonly refetch: () => unknown;
}

const OFFLINE = new ApiError(undefined, "no network");

/** Says that something could not be loaded, and why, where nothing of it is there. */
export function NotLoaded({ query }: { readonly query: Query }) {
  if (query.data !== undefined || !(query.isError || query.isPaused)) return null;
  return (
    <div className="not-loaded" role="alert">
      <p>
        {t("This could not be loaded.")} {explain(query.error ?? OFFLINE)}
      </p>
      <Button onPress={() => void query.refetch()}>{t("Try again")}</Button>
    </div>
  );
}
