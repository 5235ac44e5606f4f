import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { boundUploads } from "../features/composer/uploads";
import { AuthPage } from "../features/session/AuthPage";
import { api, resume, useSession } from "../features/session/session";
import { Button } from "../ui/Button";
import { Logo } from "../ui/Logo";
import { Toasts } from "../ui/Toasts";
import { Tooltip } from "../ui/Tooltip";
import { ApiError, isPassing } from "../wire/http";
import type { Limits } from "../wire/types";
import { ConversationContext } from "./conversation";
import { speak, t, useLanguage } from "./i18n";
import { usePreferences } from "./preferences";
import { go, useLocation } from "./router";
import { Shell } from "./Shell";

/** How often a request that failed is made again. */
const TRIES = 3;
/** Whoever is told to wait for longer is told so, in milliseconds. */
const LONGEST_WAIT = 10_000;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server has refused it will refuse again; what passes is worth another try.
      retry: (count, error) => count < TRIES && isPassing(error) && toldToWait(error) <= LONGEST_WAIT,
      retryDelay: (count, error) => Math.max(1_000 * 2 ** count, toldToWait(error)),
      refetchOnWindowFocus: false,
    },
  },
});

// Who has logged out leaves no address behind: whoever comes next begins at the beginning.
useSession.subscribe((session) => {
  if (session.kind === "nobody" && session.notice === "left") go({ page: "home" }, undefined, true);
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

/** How long the server says to wait before the same request, in milliseconds. */
function toldToWait(error: Error): number {
  return (error instanceof ApiError ? error.problem?.retry_after_ms : undefined) ?? 0;
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
