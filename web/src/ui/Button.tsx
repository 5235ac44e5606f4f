import type { ReactNode } from "react";
import { Button as AriaButton, type ButtonProps, Tooltip, TooltipTrigger } from "react-aria-components";
import { Icon, type IconName } from "./Icon";

type Kind = "primary" | "plain" | "danger";

/** A button with words on it. */
export function Button({
  kind = "plain",
  ...props
}: Omit<ButtonProps, "className"> & { readonly kind?: Kind; readonly children: ReactNode }) {
  return <AriaButton {...props} className="button" data-kind={kind} />;
}

/** A button with a drawing on it, whose words are in a tooltip. */
export function IconButton({
  icon,
  label,
  size,
  ...props
}: Omit<ButtonProps, "className" | "children"> & {
  readonly icon: IconName;
  readonly label: string;
  readonly size?: number;
}) {
  return (
    <TooltipTrigger delay={600}>
      <AriaButton {...props} className="icon-button" aria-label={label}>
        <Icon name={icon} {...(size === undefined ? {} : { size })} />
      </AriaButton>
      <Tooltip className="tooltip" offset={6}>
        {label}
      </Tooltip>
    </TooltipTrigger>
  );
}
