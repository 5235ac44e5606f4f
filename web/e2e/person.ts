import { type BrowserContext, expect, type Locator, type Page } from "@playwright/test";

/** What a browser says when a server is away, which some tests see to. */
const NO_SERVER = /net::ERR_|WebSocket connection to .* failed|status of 50[234]/;
/** What a browser says when a server refuses something. */
const REFUSED = /status of 4\d\d/;

let made = 0;

/** A room as the API tells of it. */
export interface RoomView {
  readonly id: string;
  readonly name: string;
  readonly code: string;
}

/** Somebody at a browser of their own. */
export class Person {
  /** What the browser complained about. */
  readonly complaints: string[] = [];
  readonly username: string;
  readonly password = "correct horse battery";
  /** Whether this test takes the server away, so that the browser may say so. */
  serverMayBeAway = false;
  /** Whether this test makes the server refuse something. */
  refusalIsExpected = false;

  constructor(
    readonly name: string,
    readonly context: BrowserContext,
    readonly page: Page,
    /** Where the server is, whatever network the browser is on. */
    private readonly origin: string,
    /** One of its own, if it is left out. */
    username?: string,
  ) {
    made += 1;
    this.username = username ?? `${name.toLowerCase()}-${process.pid}-${made}`;
    context.on("console", (message) => {
      if (message.type() === "error") this.complain(`${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => this.complain(String(error.error().stack)));
  }

  private complain(text: string): void {
    // A page that is no page has no icon of its own.
    if (text.includes("/favicon.ico")) return;
    if (this.serverMayBeAway && NO_SERVER.test(text)) return;
    if (this.refusalIsExpected && REFUSED.test(text)) return;
    this.complaints.push(text);
  }

  /** Makes an account without the form, which has a test of its own. */
  async registers(): Promise<void> {
    const { username, password, name } = this;
    await this.asks("register", { username, password, display_name: name, transport: "cookie" });
  }

  /** Asks the API something, with this browser's session. */
  async asks<T>(path: string, data?: object, method = data ? "POST" : "GET"): Promise<T> {
    const cookies = await this.context.cookies(this.origin);
    const csrf = cookies.find(({ name }) => name.endsWith("hubbub_csrf"))?.value;
    const headers = { origin: this.origin, ...(csrf ? { "x-csrf-token": csrf } : {}) };
    const url = `${this.origin}/api/v1/${path}`;
    const answer = await this.context.request.fetch(url, { method, headers, ...(data ? { data } : {}) });
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
    return (answer.status() === 204 ? undefined : await answer.json()) as T;
  }

  /** Makes a room without the form. */
  makesRoom(name: string): Promise<RoomView> {
    return this.asks<RoomView>("rooms", { name, kind: "private" });
  }

  /** Comes into a room with its code, and opens it. */
  async joins(room: RoomView): Promise<void> {
    await this.asks("rooms/join", { code: room.code });
    await this.opens(room);
  }

  /** Opens a room. */
  async opens(room: { readonly id: string }): Promise<void> {
    await this.page.goto(`/rooms/${room.id}`);
    await expect(this.composer).toBeVisible();
  }

  get composer(): Locator {
    return this.page.getByRole("combobox", { name: /^Message / });
  }

  get timeline(): Locator {
    return this.page.getByRole("log");
  }

  /** The bar that says that there is no connection. */
  get banner(): Locator {
    return this.page.getByText("No connection.");
  }

  /** Writes something and sends it. */
  async says(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** A message on the screen. */
  message(text: string | RegExp): Locator {
    return this.timeline.getByRole("article").filter({ hasText: text });
  }

  /** Waits until a message is on the screen. */
  async sees(text: string | RegExp): Promise<void> {
    await expect(this.message(text)).toBeVisible();
  }

  /** Something that can be done about a message. */
  action(text: string, name: string): Locator {
    return this.message(text).getByRole("button", { name, exact: true });
  }

  /** Does something about a message with its bar of actions. */
  async acts(text: string, name: string): Promise<void> {
    await this.message(text).hover();
    await this.action(text, name).click();
  }

  /** Waits until one's own message has come so far. */
  async delivery(text: string, label: "Sending" | "Sent" | "Delivered" | "Read"): Promise<void> {
    await expect(this.message(text).locator(".delivery")).toHaveAttribute("aria-label", label);
  }

  /** The texts of all messages on the screen, in order. */
  async texts(): Promise<string[]> {
    return this.timeline.locator(".message-body > .text").allInnerTexts();
  }
}
