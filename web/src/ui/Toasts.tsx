import { create } from "zustand";
import { t } from "../app/i18n";
import { IconButton } from "./Button";

interface Toast {
  readonly id: number;
  readonly text: string;
}

/** How long a toast stays. */
const STAYS = 6_000;

const useToasts = create<{ toasts: readonly Toast[] }>(() => ({ toasts: [] }));
let last = 0;

/** Tells the person something in passing. */
export function toast(text: string): void {
  last += 1;
  const id = last;
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts.slice(-2), { id, text }] }));
  setTimeout(() => dismiss(id), STAYS);
}

function dismiss(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));
}

/** Where toasts appear. */
export function Toasts() {
  const { toasts } = useToasts();
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text }) => (
        <div key={id} className="toast">
          <span>{text}</span>
          <IconButton icon="close" label={t("Dismiss")} size={16} onPress={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
