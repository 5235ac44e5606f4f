import type { ReactNode, RefObject } from "react";
import { Menu, MenuItem, Popover } from "react-aria-components";
import { useLayer } from "../app/useLayer";
import { Icon } from "./Icon";
import { InLanguage } from "./InLanguage";
import type { MenuEntry } from "./MenuButton";

interface Props {
  readonly button: RefObject<HTMLButtonElement | null>;
  readonly label: string;
  readonly entries: readonly MenuEntry[];
  readonly head: ReactNode;
  readonly onClose: () => void;
}

/** The entries of a menu, under its button. */
export default function MenuList({ button, label, entries, head, onClose }: Props) {
  useLayer(onClose);
  return (
    <InLanguage>
      <Popover
        triggerRef={button}
        placement="bottom end"
        isOpen
        className="menu"
        onOpenChange={(open) => {
          if (!open) onClose();
        }}
      >
        {head}
        <Menu
          className="menu-entries"
          aria-label={label}
          autoFocus="first"
          onAction={(key) => {
            // The focus goes back to the button first, so that what opens now gives it back there.
            onClose();
            button.current?.focus();
            entries.find(({ id }) => id === key)?.act();
          }}
        >
          {entries.map((entry) => (
            <MenuItem
              key={entry.id}
              id={entry.id}
              textValue={entry.label}
              className="menu-item"
              data-danger={entry.danger || undefined}
            >
              {entry.icon && <Icon name={entry.icon} size={16} />} {entry.label}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </InLanguage>
  );
}
