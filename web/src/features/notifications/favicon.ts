const SIZE = 64;
let plain: HTMLImageElement | undefined;
let drawn = 0;

/** Draws how much is unread onto the page's icon. */
export function drawBadge(count: number): void {
  if (count === drawn) return;
  drawn = count;
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (!link) return;
  if (count === 0) {
    link.href = "/favicon.svg";
    return;
  }
  plain ??= Object.assign(new Image(SIZE, SIZE), { src: "/favicon.svg" });
  void plain.decode().then(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: SIZE, height: SIZE });
    const context = canvas.getContext("2d");
    if (!context || !plain || drawn === 0) return;
    context.drawImage(plain, 0, 0, SIZE, SIZE);
    context.fillStyle = "#d5293b";
    context.beginPath();
    context.arc(SIZE - 18, 18, 18, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = "#ffffff";
    context.font = "bold 26px system-ui";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(drawn > 9 ? "9+" : String(drawn), SIZE - 18, 20);
    link.href = canvas.toDataURL();
  });
}
