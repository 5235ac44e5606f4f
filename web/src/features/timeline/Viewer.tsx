import Lightbox from "yet-another-react-lightbox";
import "yet-another-react-lightbox/styles.css";
import { useLayer } from "../../app/useLayer";
import type { Attachment } from "../../wire/types";
import { urlOf } from "./AttachmentList";

interface Props {
  readonly images: readonly Attachment[];
  readonly index: number;
  readonly onClose: () => void;
}

/** Images one after the other, as large as the screen. */
export default function Viewer({ images, index, onClose }: Props) {
  useLayer(onClose);
  const slides = images.map(({ id, name, width, height }) => ({
    src: urlOf(id),
    alt: name,
    ...(width && height ? { width, height } : {}),
  }));
  return <Lightbox open close={onClose} index={index} slides={slides} carousel={{ finite: true }} />;
}
