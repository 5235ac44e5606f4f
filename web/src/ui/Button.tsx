import type { ButtonHTMLAttributes, MouseEvent, ReactNode, Ref } from "react";
import { Icon, type IconName } from "./Icon";

type Kind = "primary" | "plain" | "danger";

/** What both kinds of buttons take: a native button's attributes, with two names of their own. */
interface Pressable
  extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "className" | "onClick" | "disabled"> {
  readonly onPress?: (() => void) | undefined;
  readonly isDisabled?: boolean | undefined;
  readonly ref?: Ref<HTMLButtonElement>;
}

/**
 * A button that can do nothing now keeps the focus, which the browser would take away from a disabled
 * one: whoever has just pressed it goes on from there, and Esc still closes its dialog.
 */
function pressable(onPress: (() => void) | undefined, isDisabled: boolean | undefined) {
  return {
    "aria-disabled": isDisabled || undefined,
    onClick: (event: MouseEvent) => {
      // Neither is a form sent by it.
      if (isDisabled) event.preventDefault();
      else onPress?.();
    },
  };
}

/** A button with words on it. */
export function Button({
  kind = "plain",
  onPress,
  isDisabled,
  ...props
}: Pressable & { readonly kind?: Kind; readonly children: ReactNode }) {
  return (
    <button
      type="button"
      {...props}
      {...pressable(onPress, isDisabled)}
      className="button"
      data-kind={kind}
    />
  );
}

/** A button with a drawing on it, whose words are in a tooltip. */
export function IconButton({
  icon,
  label,
  size,
  onPress,
  isDisabled,
  ...props
}: Pressable & { readonly icon: IconName; readonly label: string; readonly size?: number }) {
  return (
    <button
      type="button"
      {...props}
      {...pressable(onPress, isDisabled)}
      className="icon-button"
      aria-label={label}
      data-tip={label}
    >
      <Icon name={icon} {...(size === undefined ? {} : { size })} />
    </button>
  );
}
