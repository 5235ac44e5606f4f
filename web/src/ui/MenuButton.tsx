import { lazy, type ReactNode, Suspense, useRef, useState } from "react";
import { IconButton } from "./Button";
import type { IconName } from "./Icon";

const MenuList = lazy(() => import("./MenuList"));

/** One line of a menu. */
export interface MenuEntry {
  readonly id: string;
  readonly label: string;
  readonly icon?: IconName;
  readonly danger?: boolean;
  readonly act: () => void;
}

interface Props {
  readonly icon: IconName;
  readonly label: string;
  readonly entries: readonly MenuEntry[];
  readonly onOpenChange?: (open: boolean) => void;
  /** What stands above the entries. */
  readonly head?: ReactNode;
}

/** A button that opens a menu. The menu is loaded when it is first wanted. */
export function MenuButton({ icon, label, entries, onOpenChange, head }: Props) {
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  const open = (next: boolean) => {
    setOpen(next);
    onOpenChange?.(next);
  };
  return (
    <>
      <IconButton
        ref={button}
        icon={icon}
        label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onPress={() => open(!isOpen)}
      />
      {isOpen && (
        <Suspense fallback={null}>
          <MenuList button={button} label={label} entries={entries} head={head} onClose={() => open(false)} />
        </Suspense>
      )}
    </>
  );
}
