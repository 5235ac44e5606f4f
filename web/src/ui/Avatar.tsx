import "./avatar.css";

/** How many hues people without a picture are told apart by. */
const HUES = 12;

interface Props {
  readonly id: string;
  readonly name: string;
  readonly picture?: string | null | undefined;
  readonly size?: "small" | "medium" | "large";
  readonly status?: "online" | "away" | "offline" | undefined;
  readonly square?: boolean;
}

/** Somebody's picture, or their initials on a colour of their own; with what they are doing. */
export function Avatar({ id, name, picture, size = "medium", status, square = false }: Props) {
  return (
    <span className="avatar" data-size={size} data-square={square || undefined} aria-hidden="true">
      {picture ? (
        <img src={picture} alt="" loading="lazy" decoding="async" />
      ) : (
        <span className="avatar-initials" data-hue={hueOf(id)}>
          {initials(name)}
        </span>
      )}
      {status && status !== "offline" && <span className="avatar-status" data-status={status} />}
    </span>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toLocaleUpperCase();
}

function hueOf(id: string): number {
  let hash = 0;
  for (const char of id) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return hash % HUES;
}
