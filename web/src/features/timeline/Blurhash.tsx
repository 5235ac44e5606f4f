import { useEffect, useRef } from "react";

/** Pixels of the picture that stands in; it is stretched and blurs by itself. */
const SIZE = 24;
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

/** What stands in for an image until it has come (the BlurHash format, https://blurha.sh). */
export function Blurhash({ hash }: { readonly hash: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    const pixels = decode(hash, SIZE);
    if (context && pixels) context.putImageData(new ImageData(pixels, SIZE, SIZE), 0, 0);
  }, [hash]);
  return <canvas ref={canvas} width={SIZE} height={SIZE} />;
}

/** The pixels of a hash, or nothing if it is not one. */
export function decode(hash: string, size: number): Uint8ClampedArray<ArrayBuffer> | undefined {
  const digits = [...hash].map((digit) => DIGITS.indexOf(digit));
  if (digits.length < 6 || digits.includes(-1)) return undefined;
  const number = (from: number, to: number) =>
    digits.slice(from, to).reduce((value, digit) => value * 83 + digit, 0);
  const flag = number(0, 1);
  const [across, down] = [(flag % 9) + 1, Math.floor(flag / 9) + 1];
  if (digits.length !== 4 + 2 * across * down) return undefined;
  const most = (number(1, 2) + 1) / 166;
  const average = number(2, 6);
  const components = [[average >> 16, (average >> 8) & 255, average & 255].map(linear)];
  for (let index = 1; index < across * down; index += 1) {
    const value = number(4 + index * 2, 6 + index * 2);
    const parts = [Math.floor(value / 361), Math.floor(value / 19) % 19, value % 19];
    components.push(parts.map((part) => Math.sign(part - 9) * ((part - 9) / 9) ** 2 * most));
  }
  const pixels = new Uint8ClampedArray(size * size * 4);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const sums = [0, 0, 0];
      components.forEach((colour, index) => {
        const basis =
          Math.cos((Math.PI * x * (index % across)) / size) *
          Math.cos((Math.PI * y * Math.floor(index / across)) / size);
        colour.forEach((value, channel) => {
          sums[channel] = (sums[channel] ?? 0) + value * basis;
        });
      });
      pixels.set([...sums.map(gamma), 255], (y * size + x) * 4);
    }
  }
  return pixels;
}

function linear(value: number): number {
  const part = value / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

function gamma(value: number): number {
  const part = Math.max(0, Math.min(1, value));
  return Math.round(255 * (part <= 0.0031308 ? part * 12.92 : 1.055 * part ** (1 / 2.4) - 0.055));
}
