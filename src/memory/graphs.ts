// Pages: parts of a canvas that messages refer to, kept until they are carried on.
import type { Page, PageKey } from '../runtime/publication.js'
import type { Draft } from './draft.js'
import type { OperationOf } from './operations.js'

export const keepPages = (draft: Draft, pages: readonly Page[] = []): void => {
  for (const { graph, page, text } of pages) draft.setIn('graphs', graph, String(page), text)
}

export const freePages = (draft: Draft, pages: readonly PageKey[] = []): void => {
  for (const { graph, page } of pages) draft.setIn('graphs', graph, String(page), undefined)
}

export const recall = (draft: Draft, { pages }: OperationOf<'recall'>): readonly (string | null)[] =>
  pages.map(({ graph, page }) => draft.getIn('graphs', graph, String(page)) ?? null)
