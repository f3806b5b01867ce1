// What a case has to say: what was injected, what was counted, what must hold and whether it does.

export interface Claim {
  readonly must: string
  readonly holds: boolean
}

export class Report {
  readonly injected: string[] = []
  readonly counted = new Map<string, string | number>()
  readonly claims: Claim[] = []

  inject(what: string): void {
    this.injected.push(what)
  }

  count(name: string, value: string | number): void {
    this.counted.set(name, value)
  }

  must(must: string, holds: boolean): void {
    this.claims.push({ must, holds })
  }

  get passed(): boolean {
    return this.claims.length > 0 && this.claims.every(({ holds }) => holds)
  }

  toString(): string {
    const counted = [...this.counted].map(([name, value]) => `${name} ${value}`)
    const claims = this.claims.map(({ must, holds }) => `${holds ? 'yes' : 'NO '} ${must}`)
    return [
      ...block('injected', this.injected),
      ...block('counted', [counted.join(' · ')]),
      ...block('must hold', claims),
      this.passed ? 'PASS' : 'FAIL',
    ].join('\n')
  }
}

const block = (title: string, lines: readonly string[]): string[] =>
  lines.map((line, index) => `${(index === 0 ? title : '').padEnd(10)} ${line}`)
