import type { ReactNode } from "react";
import { I18nProvider } from "react-aria-components";
import { useLanguage } from "../app/i18n";

/** Tells React Aria's pieces the person's language and direction. */
export function InLanguage({ children }: { readonly children: ReactNode }) {
  return <I18nProvider locale={useLanguage()}>{children}</I18nProvider>;
}
