/** Whether fingers are the main way to point here: then nothing opens a keyboard unasked. */
export function isCoarse(): boolean {
  return window.matchMedia("(pointer: coarse)").matches;
}
