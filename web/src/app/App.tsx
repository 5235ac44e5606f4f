import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { boundUploads } from "../features/composer/uploads";
import { AuthPage } from "../features/session/AuthPage";
import { api, resume, useSession } from "../features/session/session";
import { Button } from "../ui/Button";
import { Logo } from "../ui/Logo";
import { Toasts } from "../ui/Toasts";
import { Tooltip } from "../ui/Tooltip";
import { ApiError } from "../wire/http";
import type { Limits } from "../wire/types";
import { ConversationContext } from "./conversation";
import { speak, t, useLanguage } from "./i18n";
import { usePreferences } from "./preferences";
import { useLocation } from "./router";
import { Shell } from "./Shell";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server has refused it will refuse again; what did not reach it may.
      retry: (count, error) => count < 3 && !(error instanceof ApiError && error.problem),
      refetchOnWindowFocus: false,
    },
  },
});

/** The client, from the first byte to the last. */
export function App() {
  const language = usePreferences((preferences) => preferences.language);
  useLanguage();
  useAppearance();
  // Without its texts it stays at the language before.
  useEffect(() => void speak(language).catch(() => undefined), [language]);
  useEffect(() => {
    void resume();
    void api
      .ask<Limits>("limits")
      .then((limits) => boundUploads(limits.attachment_bytes, limits.attachments))
      .catch(() => undefined);
  }, []);
  return (
    <QueryClientProvider client={queries}>
      <Inside />
      <Toasts />
      <Tooltip />
    </QueryClientProvider>
  );
}

function Inside() {
  const session = useSession();
  const { route } = useLocation();
  switch (session.kind) {
    case "unknown":
      return (
        <div className="empty" style={{ height: "100dvh" }}>
          <Logo />
        </div>
      );
    case "unreachable":
      return (
        <main className="empty" style={{ height: "100dvh" }}>
          <Logo />
          <h1>{t("The server can’t be reached")}</h1>
          <p>{t("Trying again…")}</p>
          <Button kind="primary" onPress={() => void resume()}>
            {t("Try again")}
          </Button>
        </main>
      );
    case "nobody":
      queries.clear();
      return <AuthPage invited={route.page === "invite"} notice={session.notice} />;
    case "somebody":
      return (
        <ConversationContext value={session.conversation}>
          <Shell key={session.me.id} />
        </ConversationContext>
      );
  }
}

/** Theme, density, and the height that an on-screen keyboard leaves (WebKit does not tell CSS). */
function useAppearance(): void {
  const { theme, density } = usePreferences();
  useEffect(() => {
    const root = document.documentElement;
    root.dataset.theme = theme === "system" ? "" : theme;
    root.dataset.density = density;
  }, [theme, density]);
  useEffect(() => {
    const viewport = window.visualViewport;
    if (!viewport) return;
    const fit = () => {
      // Whoever zooms in sees less of the page; only a keyboard leaves less of it.
      const left = viewport.height * viewport.scale;
      const height = left < window.innerHeight - 1 ? `${left}px` : "";
      document.documentElement.style.setProperty("--viewport-height", height);
      if (height) window.scrollTo(0, 0);
    };
    viewport.addEventListener("resize", fit);
    return () => viewport.removeEventListener("resize", fit);
  }, []);
}
