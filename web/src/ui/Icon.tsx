/** Line drawings on a 20 by 20 grid. */
const PATHS = {
  add: "M10 4v12M4 10h12",
  back: "M12 4l-6 6 6 6",
  bell: "M6 8a4 4 0 0 1 8 0c0 4 1.5 5 1.5 5h-11S6 12 6 8M8.5 16a1.7 1.7 0 0 0 3 0",
  bold: "M6 4h5a3 3 0 0 1 0 6H6zM6 10h6a3 3 0 0 1 0 6H6z",
  check: "M4 10.5l4 4 8-9",
  checks: "M1.5 10.5l4 4 8-9M9 14l.8.8 8.7-9.3",
  chevron: "M6 8l4 4 4-4",
  clock: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 6v4l2.5 2",
  close: "M5 5l10 10M15 5L5 15",
  code: "M7 6l-4 4 4 4M13 6l4 4-4 4",
  copy: "M7 7h9v9H7zM4 13V4h9",
  delete: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6",
  down: "M10 4v12M5 11l5 5 5-5",
  download: "M10 3v9M6 9l4 4 4-4M4 16h12",
  edit: "M4 16l.8-3.4L13 4.4l2.6 2.6-8.2 8.2z",
  file: "M5 3h6l4 4v10H5zM11 3v4h4",
  gear: "M10 7.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M10 2.5v2M10 15.5v2M2.5 10h2M15.5 10h2M4.7 4.7l1.4 1.4M13.9 13.9l1.4 1.4M4.7 15.3l1.4-1.4M13.9 6.1l1.4-1.4",
  grip: "M7.5 5h.01M12.5 5h.01M7.5 10h.01M12.5 10h.01M7.5 15h.01M12.5 15h.01",
  hash: "M7.5 3.5L6 16.5M14 3.5l-1.5 13M3.5 7.5h13M3.5 12.5h13",
  link: "M8.5 11.5a3 3 0 0 0 4.3 0l2.4-2.4a3 3 0 0 0-4.3-4.3l-1 1M11.5 8.5a3 3 0 0 0-4.3 0l-2.4 2.4a3 3 0 0 0 4.3 4.3l1-1",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  logout: "M8 4H4v12h4M8 10h9M13.5 6.5L17 10l-3.5 3.5",
  menu: "M3 6h14M3 10h14M3 14h14",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  people:
    "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6M2 16.5c0-3 2.4-5 5.5-5s5.5 2 5.5 5M13 3.8a3 3 0 0 1 0 5.5M14.5 11.8c2.1.6 3.5 2.4 3.5 4.7",
  react: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M7 12c.7 1.2 1.8 1.8 3 1.8s2.3-.6 3-1.8M7.5 8h.01M12.5 8h.01",
  reply: "M8 5L3 10l5 5M3 10h8c4 0 6 2 6 6",
  retry: "M15.5 8A6 6 0 1 0 16 11.5M16 4v4h-4",
  search: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4M13 13l4 4",
  send: "M3.5 10L16.5 4l-4 12.5-3-5z",
  up: "M10 16V4M5 9l5-5 5 5",
  user: "M10 10a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 10 10M3.5 17c0-3.3 2.8-5.4 6.5-5.4s6.5 2.1 6.5 5.4",
  warning: "M10 3.5l7.5 13h-15zM10 8v4M10 14.3h.01",
} as const;

/** The name of a drawing. */
export type IconName = keyof typeof PATHS;

/** Drawings that point along the text, and so the other way where it runs from right to left. */
const FLIPPED: ReadonlySet<IconName> = new Set<IconName>(["back", "logout", "reply", "send"]);

/** A line drawing, in the colour of the text around it. It says nothing to a screen reader. */
export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }) {
  const width = name === "more" || name === "grip" ? 2.6 : 1.6;
  return (
    <svg
      aria-hidden="true"
      className={FLIPPED.has(name) ? "flips" : undefined}
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={width}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
