const segmenter = new Intl.Segmenter();

/** What a person sees as characters, counted up to `most`. */
export function countGraphemes(text: string, most: number): number {
  let graphemes = 0;
  for (const _ of segmenter.segment(text)) {
    graphemes += 1;
    if (graphemes >= most) break;
  }
  return graphemes;
}
