// The page: draws what the server says, each time that it says something. All text goes in as text, never as HTML.
const at = (id) => document.getElementById(id)

const element = (name, className, ...children) => {
  const made = document.createElement(name)
  if (className) made.className = className
  made.append(...children.map((child) => (child instanceof Node ? child : String(child ?? ''))))
  return made
}

const row = (...cells) =>
  element(
    'tr',
    '',
    ...cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : element('td', '', cell))),
  )
const numeric = (value) => element('td', 'n', value ?? '–')
const wide = (value) => element('td', 'wide', value ?? '')

const kinds = {
  SUCCESS: 'good',
  FAILURE: 'bad',
  REVOKED: 'bad',
  REJECTED: 'bad',
  RETRY: 'wait',
  STARTED: 'busy',
}
const pill = ({ state, retries }) =>
  element('span', `pill ${kinds[state] ?? ''}`, retries > 0 ? `${state} (${retries})` : state)

const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString()
const seconds = (value) =>
  value === null ? '–' : value < 1 ? `${(value * 1000).toFixed(1)} ms` : `${value.toFixed(2)} s`

const fill = (id, rows, columns, none) => {
  const empty = element('td', 'none', none)
  empty.colSpan = columns
  at(id).replaceChildren(...(rows.length > 0 ? rows : [element('tr', '', empty)]))
}

let state

const draw = () => {
  const { broker, workers, queues, tasks, dead, totals, trouble } = state
  at('broker').textContent = broker
  at('trouble').hidden = trouble === null
  at('trouble').textContent = trouble ?? ''
  const total = (label, value) =>
    element('div', '', element('b', '', value.toLocaleString()), element('span', '', label))
  at('totals').replaceChildren(
    total('workers', workers.filter(({ alive }) => alive).length),
    total(
      'running',
      workers.reduce((sum, { alive, active }) => sum + (alive ? (active ?? 0) : 0), 0),
    ),
    total(
      'waiting',
      queues.reduce((sum, { length }) => sum + length, 0),
    ),
    total('succeeded', totals.SUCCESS ?? 0),
    total('failed', totals.FAILURE ?? 0),
    total('retried', totals.RETRY ?? 0),
    total('dead letters', dead.length),
  )
  fill(
    'workers',
    workers.map((worker) =>
      row(
        worker.hostname,
        element('span', `pill ${worker.alive ? 'good' : 'bad'}`, worker.alive ? 'online' : 'offline'),
        numeric(worker.active),
        numeric(worker.processed),
        worker.load.map((load) => load.toFixed(2)).join(' '),
        element('td', 'dim', worker.software),
      ),
    ),
    6,
    'Nobody was heard yet.',
  )
  fill(
    'queues',
    queues.map((queue) =>
      row(
        queue.name,
        numeric(queue.length),
        queue.workers.length > 0 || queue.length === 0
          ? element('td', 'dim', queue.workers.join(', ') || 'nobody')
          : element('span', 'pill bad', 'nobody'),
      ),
    ),
    3,
    'None is known yet.',
  )
  const wanted = at('filter').value.trim().toLowerCase()
  const shown = tasks.filter((task) =>
    [task.name, task.state, task.worker, task.uuid, task.args, task.kwargs]
      .join(' ')
      .toLowerCase()
      .includes(wanted),
  )
  fill(
    'tasks',
    shown.map((task) =>
      row(
        element('td', '', task.name ?? '?', element('small', '', task.uuid)),
        pill(task),
        wide(
          [task.args === '()' ? '' : task.args, task.kwargs === '{}' ? '' : task.kwargs]
            .filter(Boolean)
            .join(' '),
        ),
        wide(task.state === 'SUCCESS' ? task.result : task.exception),
        numeric(seconds(task.runtime)),
        task.worker ?? '',
        element('td', 'dim', time(task.lastAt)),
      ),
    ),
    7,
    tasks.length > 0
      ? 'None of them has that.'
      : 'Nothing was heard of a task. Are task events on? lovage worker -E, or lovage monitor --enable-events',
  )
  fill(
    'dead',
    dead.map((letter) =>
      row(
        element('td', '', letter.task ?? '?', element('small', '', letter.taskId ?? letter.id)),
        letter.queue,
        wide(letter.reason),
        element('td', 'dim', new Date(letter.diedAt * 1000).toLocaleString()),
      ),
    ),
    4,
    'None. lovage dead shows what is in them, and sends them again.',
  )
}

const source = new EventSource('/api/events')
source.onmessage = ({ data }) => {
  state = JSON.parse(data)
  at('link').className = 'pill good'
  at('link').textContent = 'live'
  draw()
}
source.onerror = () => {
  at('link').className = 'pill bad'
  at('link').textContent = 'connection lost'
}
at('filter').addEventListener('input', () => state && draw())
document.querySelector('form').addEventListener('submit', (event) => event.preventDefault())
