import { type PointerEvent, useEffect, useRef, useState } from "react";
import { t } from "../../app/i18n";
import { Button } from "../../ui/Button";
import { toast } from "../../ui/Toasts";
import { csrf } from "../../wire/http";
import type { Me, Problem } from "../../wire/types";
import { api, becomes } from "../session/session";

/** The side of the square on screen, in pixels. */
const SIDE = 220;
/** The side of the picture that is sent. */
const SENT = 512;

/** Cuts a square out of a picture: drag it, make it larger, send it. */
export default function Crop({ file, onDone }: { readonly file: File; readonly onDone: () => void }) {
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

  const drag = (event: PointerEvent) => {
    if (event.buttons !== 1 || !image) return;
    const most = limit(image, zoom);
    const keep = (value: number, bound: number) => Math.max(-bound, Math.min(bound, value));
    setOffset(({ x, y }) => ({
      x: keep(x + event.movementX / SIDE, most.x),
      y: keep(y + event.movementY / SIDE, most.y),
    }));
  };

  const send = async () => {
    if (!image) return;
    setBusy(true);
    const result = new OffscreenCanvas(SENT, SENT);
    const context = result.getContext("2d");
    if (!context) return;
    draw(context, image, SENT, zoom, offset);
    const body = await result.convertToBlob({ type: "image/png" });
    const headers = { "content-type": "image/png", "x-csrf-token": csrf() ?? "" };
    const answer = await fetch("/api/v1/me/avatar", { method: "PUT", headers, body });
    if (answer.ok) becomes(await api.ask<Me>("me"));
    else
      toast(
        ((await answer.json().catch(() => undefined)) as Problem | undefined)?.detail ??
          t("It did not work."),
      );
    onDone();
  };

  return (
    <div className="crop">
      <canvas
        ref={canvas}
        width={SIDE}
        height={SIDE}
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
            setZoom(Number(currentTarget.value));
            setOffset({ x: 0, y: 0 });
          }}
        />
      </label>
      <div className="dialog-actions">
        <Button onPress={onDone}>{t("Cancel")}</Button>
        <Button kind="primary" isDisabled={busy || !image} onPress={() => void send()}>
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
