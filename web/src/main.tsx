import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
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
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
