// A message centre for the tests: takes SMS by SMPP 3.4, as a mobile network does, and says over HTTP what came.
//
//   NODE_PATH=…/node_modules node scripts/smsc.js PASSWORD    listens on two free ports of 127.0.0.1 and prints "SMPP HTTP"
//
// What happens is one list of events: `bind`, `refused` (a wrong password), `away` (a link while it is down), `submit`,
// `throttled`. `GET /now` tells its length, `GET /count?kind=submit&after=3&to=371…` how many there are
// from there on; `GET /await` with the same waits for the first one. `POST /throttle?times=2` throttles the
// next two submissions, `POST /password?is=…` wants another password from the next bind on, `POST /down` cuts all links
// and takes none until `POST /up`.
//
// A receipt follows each submission that asks for one: delivered, or undelivered to a number that ends in 0000.
'use strict'

const http = require('node:http')
const smpp = require('smpp')

const state = { password: process.argv[2], throttle: 0, down: false, taken: 0 }
const links = new Set()
const events = []
const waiting = new Set()

function happened(event) {
  events.push({ index: events.length, ...event })
  for (const wait of [...waiting]) wait()
}

function matching(kind, to) {
  return (event) => event.kind === kind && (to === null || event.to === to)
}

function bind(link, pdu) {
  if (pdu.system_id !== 'app' || pdu.password !== state.password) {
    happened({ kind: 'refused' })
    link.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }), undefined, undefined, () => link.close())
    return
  }
  link.send(pdu.response({ system_id: 'smsc' }))
  happened({ kind: 'bind' })
}

function textOf(pdu) {
  const carried = pdu.message_payload ?? pdu.short_message
  return String(carried?.message ?? carried ?? '')
}

function submit(link, pdu) {
  const to = pdu.destination_addr
  if (state.throttle > 0) {
    state.throttle -= 1
    link.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }))
    happened({ kind: 'throttled', to })
    return
  }
  state.taken += 1
  const id = `n${state.taken}`
  link.send(pdu.response({ message_id: id }))
  happened({ kind: 'submit', to, from: pdu.source_addr, coding: pdu.data_coding, text: textOf(pdu) })
  if ((pdu.registered_delivery & 1) === 1) receipt(link, pdu, id)
}

function receipt(link, pdu, id) {
  const arrived = !pdu.destination_addr.endsWith('0000')
  const stat = arrived ? 'DELIVRD' : 'UNDELIV'
  link.deliver_sm({
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: 4,
    receipted_message_id: id,
    message_state: arrived ? 2 : 5,
    short_message: `id:${id} sub:001 dlvrd:00${arrived ? 1 : 0} submit date:2601010000 done date:2601010000 stat:${stat} err:000 text:`,
  })
}

const centre = smpp.createServer({}, (link) => {
  link.on('error', () => {})
  if (state.down) {
    link.destroy()
    happened({ kind: 'away' })
    return
  }
  links.add(link)
  link.on('close', () => links.delete(link))
  for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) link.on(kind, (pdu) => bind(link, pdu))
  link.on('submit_sm', (pdu) => submit(link, pdu))
  link.on('enquire_link', (pdu) => link.send(pdu.response()))
  link.on('unbind', (pdu) => link.send(pdu.response(), undefined, undefined, () => link.close()))
})

const control = http.createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  const answer = (value) => response.end(JSON.stringify(value))
  if (request.method === 'GET' && pathname === '/now') return answer(events.length)
  const kind = searchParams.get('kind')
  const to = searchParams.get('to')
  const after = Number(searchParams.get('after'))
  if (request.method === 'GET' && pathname === '/count') {
    return answer(events.slice(after).filter(matching(kind, to)).length)
  }
  if (request.method === 'GET' && pathname === '/await') {
    const look = () => {
      const found = events.slice(after).find(matching(kind, to))
      if (found === undefined) return
      waiting.delete(look)
      answer(found)
    }
    waiting.add(look)
    response.on('close', () => waiting.delete(look))
    return look()
  }
  if (request.method === 'POST' && pathname === '/throttle') state.throttle = Number(searchParams.get('times'))
  else if (request.method === 'POST' && pathname === '/password') state.password = searchParams.get('is')
  else if (request.method === 'POST' && pathname === '/up') state.down = false
  else if (request.method === 'POST' && pathname === '/down') {
    state.down = true
    for (const link of links) link.destroy()
  } else response.statusCode = 404
  return answer(null)
})

centre.listen(0, '127.0.0.1', () => {
  control.listen(0, '127.0.0.1', () => console.log(`${centre.address().port} ${control.address().port}`))
})
