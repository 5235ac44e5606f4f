import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { explain } from "../../app/explain";
import { t } from "../../app/i18n";
import { Button } from "../../ui/Button";
import { toast } from "../../ui/Toasts";

/** The side of the square on screen, in pixels. */
const SIDE = 220;
/** The side of the picture that is sent. */
const SENT = 512;

/** How far one press of an arrow key moves the picture, as a part of the square's side. */
const STEP = 0.02;

interface Props {
  readonly file: File;
  readonly send: (picture: Blob) => Promise<void>;
  readonly onDone: () => void;
}

/** Cuts a square out of a picture: drag it, make it larger, send it. */
export default function Crop({ file, send, onDone }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [image, setImage] = useState<ImageBitmap>();
  const [zoom, setZoom] = useState(1);
  const [offset, setOffset] = useState({ x: 0, y: 0 });
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let current = true;
    createImageBitmap(file)
      .then((bitmap) => {
        if (current) setImage(bitmap);
      })
      .catch(() => {
        toast(t("This picture can’t be read."));
        onDone();
      });
    return () => {
      current = false;
    };
  }, [file, onDone]);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (context && image) draw(context, image, SIDE, zoom, offset);
  }, [image, zoom, offset]);

  const move = (across: number, down: number, at = zoom) => {
    if (!image) return;
    const most = limit(image, at);
    const keep = (value: number, bound: number) => Math.max(-bound, Math.min(bound, value));
    setOffset(({ x, y }) => ({ x: keep(x + across, most.x), y: keep(y + down, most.y) }));
  };

  const drag = (event: PointerEvent) => {
    if (event.buttons === 1) move(event.movementX / SIDE, event.movementY / SIDE);
  };

  const cut = async () => {
    if (!image) return;
    setBusy(true);
    const result = new OffscreenCanvas(SENT, SENT);
    const context = result.getContext("2d");
    if (!context) return;
    draw(context, image, SENT, zoom, offset);
    try {
      await send(await result.convertToBlob({ type: "image/png" }));
    } catch (error) {
      toast(explain(error));
    }
    onDone();
  };

  // The arrow keys move the picture, for those who do not drag.
  const nudge = (event: KeyboardEvent) => {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-STEP, 0],
      ArrowRight: [STEP, 0],
      ArrowUp: [0, -STEP],
      ArrowDown: [0, STEP],
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    move(...step);
  };

  return (
    <div className="crop">
      <canvas
        ref={canvas}
        width={SIDE}
        height={SIDE}
        tabIndex={0}
        onKeyDown={nudge}
        onPointerMove={drag}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        aria-label={t("Drag to choose the part")}
      />
      <label className="field">
        <span className="field-label">{t("Larger")}</span>
        <input
          type="range"
          min={1}
          max={4}
          step={0.01}
          value={zoom}
          onChange={({ currentTarget }) => {
            const next = Number(currentTarget.value);
            setZoom(next);
            move(0, 0, next);
          }}
        />
      </label>
      <div className="dialog-actions">
        <Button onPress={onDone}>{t("Cancel")}</Button>
        <Button kind="primary" isDisabled={busy || !image} onPress={() => void cut()}>
          {t("Use this picture")}
        </Button>
      </div>
    </div>
  );
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
interface Offset {
  readonly x: number;
  readonly y: number;
}

/** Draws the chosen part into a square. Offsets are parts of the square's side. */
function draw(context: Context, image: ImageBitmap, side: number, zoom: number, offset: Offset): void {
  const scale = (side / Math.min(image.width, image.height)) * zoom;
  const [width, height] = [image.width * scale, image.height * scale];
  context.clearRect(0, 0, side, side);
  context.drawImage(
    image,
    (side - width) / 2 + offset.x * side,
    (side - height) / 2 + offset.y * side,
    width,
    height,
  );
}

/** How far the picture can be dragged before its edge comes into the square. */
function limit(image: ImageBitmap, zoom: number): Offset {
  const shorter = Math.min(image.width, image.height);
  return { x: ((image.width / shorter) * zoom - 1) / 2, y: ((image.height / shorter) * zoom - 1) / 2 };
}
