import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { speak } from "./app/i18n";
import { usePreferences } from "./app/preferences";
import { losesUploads } from "./features/composer/uploads";
import { reloadWhenOutdated } from "./pwa/outdated";
import { registerServiceWorker } from "./pwa/register";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/controls.css";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no place for the client");
registerServiceWorker();
reloadWhenOutdated(() => !losesUploads());

/** How long the page stays empty for its language, in milliseconds: after that it begins in English. */
const PATIENCE = 2_000;
const spoken = speak(usePreferences.getState().language).catch(() => undefined);
const late = new Promise((done) => setTimeout(done, PATIENCE));
void Promise.race([spoken, late]).then(() =>
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  ),
);
