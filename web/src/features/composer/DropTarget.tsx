import { type ReactNode, useEffect, useState } from "react";
import { t, useLocale } from "../../app/i18n";
import { toast } from "../../ui/Toasts";
import type { Room } from "../../wire/types";
import { whyClosed } from "./closed";
import { boundsInWords, useUploads } from "./uploads";

/** Takes files that are dropped anywhere on the window, where something can be said. */
export function DropTarget({ room, children }: { readonly room: Room; readonly children: ReactNode }) {
  const { add } = useUploads(room.id);
  const locale = useLocale();
  const [over, setOver] = useState(0);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (hasFiles(event)) setOver((depth) => depth + 1);
    };
    const leave = (event: DragEvent) => {
      if (hasFiles(event)) setOver((depth) => Math.max(0, depth - 1));
    };
    const allow = (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(0);
      const closed = whyClosed(room, locale);
      if (closed) toast(closed);
      else add([...(event.dataTransfer?.files ?? [])]);
    };
    window.addEventListener("dragenter", enter);
    window.addEventListener("dragleave", leave);
    window.addEventListener("dragover", allow);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragenter", enter);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("dragover", allow);
      window.removeEventListener("drop", drop);
    };
  }, [add, room, locale]);
  return (
    <>
      {children}
      {over > 0 && (
        <div className="drop-target">
          {t("Drop files here to attach them")}
          <small>{boundsInWords()}</small>
        </div>
      )}
    </>
  );
}
