import { type ClipboardEvent, useState } from "react";

/** Text longer than this, pasted, is offered as a file, in characters. */
const LONG_PASTE = 4_000;

interface Pasting {
  readonly addFiles: (files: File[]) => void;
  readonly text: string;
  readonly setText: (text: string) => void;
}

/** What pasting does: files are attached, and a long text can become one. */
export function useLongPaste({ addFiles, text, setText }: Pasting) {
  const [pasted, setPasted] = useState<string>();
  return {
    /** Whether a long text has just been pasted. */
    isOffered: pasted !== undefined && text !== "",
    dismiss: () => setPasted(undefined),
    attach: () => {
      if (pasted === undefined) return;
      addFiles([new File([pasted], "text.txt", { type: "text/plain" })]);
      setText(text.replace(pasted.replaceAll("\r\n", "\n"), () => ""));
      setPasted(undefined);
    },
    onPaste: (event: ClipboardEvent) => {
      const { files, types } = event.clipboardData;
      const plain = event.clipboardData.getData("text/plain");
      // Office programs put a picture of the text beside it.
      const isText = plain !== "" && types.includes("text/html");
      if (files.length > 0 && !isText) {
        event.preventDefault();
        addFiles([...files]);
      } else {
        setPasted(plain.length > LONG_PASTE ? plain : undefined);
      }
    },
  };
}
