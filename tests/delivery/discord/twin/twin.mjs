// The package discord-digital-twin as a server of its own. It says in one line of JSON where it is; each line that
// it is given names what somebody does, and is answered by one line. It ends when nothing more is given.
import { createInterface } from 'node:readline'
import { DigitalDiscord } from 'discord-digital-twin'

const discord = new DigitalDiscord({ channels: [{ name: 'market', type: 0 }], users: [{ username: 'reader' }] })
await discord.start()
const channel = (await discord.prisma.channel.findMany())[0].id
const reader = await discord.getFirstNonBotUserId()
const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`)
say({ rest: discord.restUrl, gateway: discord.gatewayUrl, token: discord.botToken, channel, guild: discord.guildId })

const doing = {
  async slash({ name }) {
    await discord.channel(channel).user(reader).runSlashCommand({ name, options: [] })
    return {}
  },
  async chat({ count }) {
    for (let number = 0; number < count; number++) {
      await discord.simulateUserMessage({ channelId: channel, userId: reader, content: 'gm' })
    }
    return {}
  },
  async messages() {
    return { messages: await discord.channel(channel).getMessages() }
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...given } = JSON.parse(line)
  say(await doing[act](given))
}
await discord.stop()
process.exit(0)
