import { create } from "zustand";
import { t } from "../app/i18n";
import { Button, IconButton } from "./Button";

/** What can be done about what a toast tells. */
interface Action {
  readonly label: string;
  readonly act: () => void;
}

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly action?: Action | undefined;
}

/** How long a toast stays, in milliseconds. One with something to do stays until it is dismissed. */
const STAYS = 6_000;
/** Toasts that are shown at a time, beside those with something to do. */
const SHOWN = 3;

const useToasts = create<{ toasts: readonly Toast[] }>(() => ({ toasts: [] }));
let last = 0;

/** Tells the person something in passing. */
export function toast(text: string, action?: Action): void {
  last += 1;
  const id = last;
  useToasts.setState(({ toasts }) => ({ toasts: bounded([...toasts, { id, text, action }]) }));
  if (!action) setTimeout(() => dismiss(id), STAYS);
}

/** The newest of those that go by themselves, and all others. */
function bounded(toasts: readonly Toast[]): readonly Toast[] {
  const passing = toasts.filter(({ action }) => !action).slice(-SHOWN);
  return toasts.filter((toast) => toast.action || passing.includes(toast));
}

function dismiss(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));
}

/** Where toasts appear. */
export function Toasts() {
  const { toasts } = useToasts();
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text, action }) => (
        <div key={id} className="toast">
          <span>{text}</span>
          {action && <Button onPress={action.act}>{action.label}</Button>}
          <IconButton icon="close" label={t("Dismiss")} size={16} onPress={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
