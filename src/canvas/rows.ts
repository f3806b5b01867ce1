// Steps that follow each other and are alike, as one box of a picture: nobody reads three hundred of them.
import { type Arrow, type Box, inTurn, mostBoxes, type Picture } from './picture.js'

/** In a row nothing else leads out of a box, or into the one behind it. Boxes with the same key are alike. */
export function foldRows(picture: Picture, keyOf: (box: Box) => string): Picture {
  const rows = rowsOf(picture, keyOf).filter((row) => row.length > mostBoxes)
  if (rows.length === 0) return picture
  /** Whatever is left out → the first of its row. */
  const heads = new Map(rows.flatMap(([head, ...others]) => others.map(({ id }) => [id, head!.id])))
  const lengths = new Map(rows.map((row) => [row[0]!.id, row.length]))
  const fold = (box: Box): Box => {
    const steps = lengths.get(box.id)
    return steps === undefined ? box : { ...box, text: box.text.replace('\n', () => `${inTurn(steps)}\n`) }
  }
  return {
    boxes: picture.boxes.filter(({ id }) => !heads.has(id)).map(fold),
    // What leads into a row's inside is of the row.
    arrows: picture.arrows
      .filter(({ to }) => !heads.has(to))
      .map((arrow) => ({ ...arrow, from: heads.get(arrow.from) ?? arrow.from })),
  }
}

function rowsOf({ boxes, arrows }: Picture, keyOf: (box: Box) => string): readonly (readonly Box[])[] {
  const byId = new Map(boxes.map((box) => [box.id, box]))
  const out = arrowsBy(arrows, ({ from }) => from)
  const into = arrowsBy(arrows, ({ to }) => to)
  const next = new Map<Box, Box>()
  for (const box of boxes) {
    const [arrow, ...others] = out.get(box.id) ?? []
    const behind = arrow === undefined || others.length > 0 ? undefined : byId.get(arrow.to)
    if (behind !== undefined && into.get(behind.id)?.length === 1 && keyOf(behind) === keyOf(box))
      next.set(box, behind)
  }
  const inside = new Set(next.values())
  return boxes
    .filter((box) => !inside.has(box))
    .map((head) => {
      const row = [head]
      for (let box = next.get(head); box !== undefined; box = next.get(box)) row.push(box)
      return row
    })
}

function arrowsBy(arrows: readonly Arrow[], end: (arrow: Arrow) => string): ReadonlyMap<string, Arrow[]> {
  const by = new Map<string, Arrow[]>()
  for (const arrow of arrows) {
    const there = by.get(end(arrow))
    if (there === undefined) by.set(end(arrow), [arrow])
    else there.push(arrow)
  }
  return by
}
