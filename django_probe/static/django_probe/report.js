// The page of a run works without this: it adds search, filter, copying and live progress.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const OK = new Set(["passed", "skipped", "expected_failure"]);
  const say = (text) => { $("said").textContent = text; };

  // -- what is shown: search and filter, kept in the part of the URL that no server sees

  let rows = [], opened = new Map(), typing = 0;

  const asked = () => {
    const told = new URLSearchParams(location.hash.slice(1));
    return {
      query: told.get("q") ?? "",
      kinds: new Set((told.get("show") ?? "").split(",").filter(Boolean)),
      only: told.get("target") ?? "",
    };
  };

  const ask = (changes) => {
    const { query, kinds, only } = { ...asked(), ...changes };
    const told = new URLSearchParams();
    if (query) told.set("q", query);
    if (kinds.size) told.set("show", [...kinds].join(","));
    if (only) told.set("target", only);
    const hash = told.toString();
    history.replaceState(history.state, "", hash ? `#${hash}` : location.pathname + location.search);
    show();
  };

  const collect = () => {
    opened = new Map();
    rows = all(".row").map((element) => ({
      element,
      kinds: element.dataset.kinds.split(" "),
      group: element.closest(".group"),
      text: null,
    }));
  };

  const textOf = (row) => row.text ??= [
    row.element.dataset.label,
    row.element.querySelector("th").textContent,
    ...all(".more > summary", row.element).map((summary) => summary.textContent),
  ].join("\n").toLowerCase();

  const show = () => {
    const { query, kinds, only } = asked();
    const active = Boolean(query || kinds.size || only);
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const names = all("#only option").slice(1).map((option) => option.value);
    const column = names.indexOf(only);
    const groups = new Map();
    let shown = 0;
    for (const row of rows) {
      const told = column < 0 ? row.kinds : [row.kinds[column] ?? "-"];
      const fits = told.some((kind) => kind !== "-" && (!kinds.size || kinds.has(kind))) &&
        words.every((word) => textOf(row).includes(word));
      row.element.hidden = !fits;
      shown += fits;
      groups.set(row.group, (groups.get(row.group) ?? 0) + fits);
    }
    unfold(groups, active, shown);
    for (const failure of all(".failure")) failure.hidden = active;
    for (const part of all(".part")) part.hidden = !part.querySelector(".group:not([hidden]), .failure:not([hidden])");
    reflect({ query, kinds, only, active });
    if ($("none")) $("none").hidden = !(active && !shown);
    if (active) say(`${shown} of ${rows.length} shown`);
  };

  // A class with something to show is unfolded while a filter lasts, if that is not too much.
  const unfold = (groups, active, shown) => {
    for (const [group, count] of groups) {
      group.hidden = !count;
      if (!(group instanceof HTMLDetailsElement)) continue;
      if (active && count && shown <= 300) {
        if (!opened.has(group)) opened.set(group, group.open);
        group.open = true;
      } else if (!active && opened.has(group)) {
        group.open = opened.get(group);
        opened.delete(group);
      }
    }
  };

  const reflect = ({ query, kinds, only, active }) => {
    for (const chip of all(".chip")) {
      chip.setAttribute("aria-pressed", String(kinds.has(chip.dataset.kind)));
    }
    if (!$("query")) return;
    if ($("query").value !== query) $("query").value = query;
    if ($("only")) $("only").value = only;
    $("clear").hidden = !active;
    for (const cell of all("[data-target]")) cell.classList.toggle("out", Boolean(only) && cell.dataset.target !== only);
  };

  const prepare = () => {
    collect();
    for (const chip of all(".chip")) {
      chip.disabled = false;
      chip.addEventListener("click", () => {
        const { kinds } = asked();
        if (!kinds.delete(chip.dataset.kind)) kinds.add(chip.dataset.kind);
        ask({ kinds });
      });
    }
    const form = document.querySelector(".search");
    if (form) {
      form.hidden = false;
      form.addEventListener("submit", (event) => event.preventDefault());
      form.addEventListener("reset", () => {
        ask({ query: "", kinds: new Set(), only: "" });
        $("query").focus();
      });
      $("query").addEventListener("input", () => {
        clearTimeout(typing);
        typing = setTimeout(() => ask({ query: $("query").value.trim() }), 150);
      });
      $("only")?.addEventListener("change", (event) => ask({ only: event.target.value }));
    }
    for (const button of all(".again .copy")) button.hidden = false;
    for (const group of all(".group")) {
      if (group.open !== false) equip(group);
      group.addEventListener("toggle", () => equip(group));
    }
    for (const time of all("time")) time.title = time.textContent;
    age();
    show();
  };

  // -- what can be done with a probe: copy its command, run it

  const quote = (label) => (/^[\w.]+$/.test(label) ? label : `'${label.replaceAll("'", `'"'"'`)}'`);

  const addressOf = (label) => document.body.dataset.home +
    (label.includes("%2F") ? `?label=${label}&fresh=1` : `${label}/?fresh=1`);

  // Only when they can be seen: a run may have ten thousand rows.
  const equip = (group) => {
    if (group.dataset.equipped || group.open === false) return;
    group.dataset.equipped = "yes";
    for (const holder of [group, ...all(".row", group)]) {
      const acts = $("actions").content.cloneNode(true);
      const label = holder.dataset.label;
      for (const button of all("button", acts)) {
        button.value = label;
        button.querySelector(".aside").append(`: ${label}`);
        if (button.type === "submit") button.formAction = addressOf(encodeURIComponent(label));
      }
      holder.querySelector("th").append(acts);
    }
  };

  const copy = async (button) => {
    const code = button.closest(".again")?.querySelector("code");
    const text = code ? code.textContent : `${document.body.dataset.command} ${quote(button.value)}`;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // No clipboard without a secure context: the old way.
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "aside";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    say(`Copied: ${text}`);
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button, .skip");
    if (button?.matches(".copy")) copy(button);
    if (button?.id === "stop") halt();
    if (button?.matches(".skip")) {
      event.preventDefault(); // What stands behind # is the filter's.
      $("results").focus();
    }
  });

  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const age = () => {
    for (const time of all("time")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? UNITS.at(-1);
      time.textContent = `${time.title} (${words.format(-Math.floor(seconds / size), unit)})`;
    }
  };
  setInterval(age, 20000);

  // -- a run, told as it happens

  let stop = null; // Breaks off the asking; what is asked goes on where others ask it, too.
  let going = null; // What to tell the server to end the run itself.

  const halt = async () => {
    const asked = stop;
    $("live-title").textContent = "Stopping";
    $("stop").disabled = true;
    try {
      const response = await fetch(going.url, { method: "DELETE", headers: going.headers });
      if (response.ok) return; // It tells the rest, and that it was interrupted.
    } catch {
      // No answer: see below.
    }
    asked?.abort();
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id !== "run" || !window.ReadableStream) return;
    event.preventDefault();
    // A button without an address of its own has that of the page, not that of its form.
    const button = event.submitter;
    const url = button?.hasAttribute("formaction") ? button.formAction : form.action;
    if (!stop) run(url, form.elements.csrfmiddlewaretoken?.value ?? "");
  });
  const run = async (url, token) => {
    stop = new AbortController();
    going = { url: "", headers: token ? { "X-CSRFToken": token } : {} };
    const progress = begin();
    try {
      const streamed = new URL(url);
      const shown = new URL(url);
      shown.searchParams.delete("fresh");
      streamed.searchParams.set("stream", "1");
      const response = await fetch(streamed, {
        method: "POST",
        headers: { ...going.headers, Accept: "application/x-ndjson" },
        signal: stop.signal,
      });
      if (!response.ok) throw new Error(await refusal(response));
      const id = response.headers.get("X-Probe-Run");
      going.url = `${document.body.dataset.home}-/runs/${id}/`;
      for await (const line of lines(response.body)) take(progress, JSON.parse(line));
      if (!progress.finished) throw new Error("The run did not come to its end.");
      const own = new URL(going.url, url).href;
      await renew(progress.interrupted ? [own] : [shown.href, own], id);
    } catch (error) {
      end(stop.signal.aborted ? "Stopped. What is shown below is the run before." : `No result. ${error.message}`);
    } finally {
      stop = null;
      for (const button of all("[form=run], #run button")) button.disabled = false;
    }
  };

  const refusal = async (response) => {
    const text = await response.text();
    try {
      return JSON.parse(text).error.message;
    } catch {
      return `The server answered ${response.status}.`; // Not ours: a proxy's page, say.
    }
  };

  async function* lines(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      yield* parts.filter(Boolean);
    }
    if (rest.trim()) yield rest;
  }

  const begin = () => {
    for (const button of all("[form=run], #run button")) button.disabled = true;
    $("live").hidden = false;
    $("live").className = "live";
    $("live-title").textContent = "Running";
    $("live-list").replaceChildren();
    $("live-bar").removeAttribute("value");
    $("live-count").textContent = $("live-now").textContent = "";
    $("stop").hidden = $("stop").disabled = false;
    $("live").scrollIntoView({ block: "nearest" });
    say("The run has started.");
    return { planned: 0, done: 0, bad: 0, finished: false };
  };

  const take = (progress, event) => {
    if (event.event === "run_started") progress.planned = event.planned ?? 0;
    if (event.event === "probe_started") $("live-now").textContent = event.probe.label;
    if (event.event === "probe_finished") {
      progress.done += 1;
      const { outcome, blocking } = event.result;
      if (blocking || !OK.has(outcome)) bad(progress, blocking ? outcome : "warning", event.result);
    }
    if (event.event === "fixture_failed") bad(progress, "errored", { label: event.fixture, target: event.target, error: event.error });
    if (event.event === "target_failed") bad(progress, "errored", { label: event.target, error: event.error });
    if (event.event === "run_finished") {
      progress.finished = true;
      progress.interrupted = event.summary.interrupted !== null;
    }
    draw(progress);
  };

  const bad = (progress, kind, { label, target, error, reason }) => {
    progress.bad += 1;
    if (kind !== "warning") $("live").classList.add("bad");
    if (progress.bad > 10) return;
    const item = document.createElement("li");
    const state = document.createElement("span");
    state.className = `state k-${kind}`;
    state.textContent = kind.replaceAll("_", " ");
    const name = document.createElement("code");
    name.textContent = target && target !== "default" ? `${label} [${target}]` : label;
    const text = document.createElement("span");
    text.textContent = (error?.message || reason || "").slice(0, 200);
    item.append(state, name, text);
    $("live-list").append(item);
  };

  const draw = ({ planned, done, bad: wrong }) => {
    const of = planned ? `${done} of ${planned}` : `${done}`;
    $("live-count").textContent = wrong ? `${of}, ${wrong} not ok` : of;
    if (planned) {
      $("live-bar").max = planned;
      $("live-bar").value = Math.min(done, planned);
    }
  };

  const end = (text) => {
    $("live").classList.add("bad");
    $("live-title").textContent = text;
    $("live-now").textContent = "";
    $("stop").hidden = true;
    say(text);
  };

  // The server draws the new page: there is one template, not two.
  const renew = async (urls, id) => {
    const { url, response } = await pageOf(urls, id);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (url !== location.href.split("#")[0]) history.pushState(null, "", url + location.hash);
    drawn = here();
    document.title = fresh.title;
    document.querySelector("link[rel=icon]").replaceWith(fresh.querySelector("link[rel=icon]"));
    document.body.replaceWith(fresh.body);
    prepare();
    say(`${$("verdict").textContent}. ${document.querySelector(".lead").textContent}`);
    $("verdict").tabIndex = -1;
    $("verdict").focus();
  };

  // A run that broke off is not the last result: it has a page of its own. Never is another shown.
  // Where web processes share no cache, one of the next requests reaches the one that has it.
  const pageOf = async (urls, id) => {
    for (const url of [...urls, ...Array(8).fill(urls.at(-1))]) {
      const asked = new URL(url);
      asked.searchParams.set("status", "200"); // A report of failures is no failure to get it.
      const response = await fetch(asked, { headers: { Accept: "text/html" } });
      if (response.headers.get("X-Probe-Run") === id) return { url, response };
    }
    throw new Error("Another web process has its result: they share no cache.");
  };

  const here = () => location.pathname + location.search;
  let drawn = here();
  addEventListener("popstate", () => { if (here() !== drawn) location.reload(); });
  addEventListener("hashchange", show);
  prepare();
})();
