using System.Globalization;
using MixtralVk;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace TavernGame;

/// <summary>The tavern in a terminal: who says what, and a graph of the latest frames. Up and down choose whom the player looks at, left and right the budget, space pauses, q leaves.</summary>
internal static class LiveView
{
    private const string Bars = " ▁▂▃▄▅▆▇█";

    public static void Run(Game game)
    {
        int looksAt = 0, frames = 0;
        bool paused = false, leaves = false;
        AnsiConsole.Live(new Text("")).Start(view =>
        {
            while (!leaves)
            {
                while (Console.KeyAvailable) Press(Console.ReadKey(intercept: true).Key);
                for (int i = 0; i < game.Tavern.Guests.Count; i++) game.Tavern.Guests[i].IsLookedAt = i == looksAt;
                game.RunFrame(frames++ % 6 == 0 ? () => view.UpdateTarget(Picture(game, looksAt, paused)) : null); // ten pictures a second
            }
        });

        void Press(ConsoleKey key)
        {
            if (key == ConsoleKey.Q) leaves = true;
            if (key == ConsoleKey.DownArrow) looksAt = (looksAt + 1) % game.Tavern.Guests.Count;
            if (key == ConsoleKey.UpArrow) looksAt = (looksAt + game.Tavern.Guests.Count - 1) % game.Tavern.Guests.Count;
            if (key == ConsoleKey.RightArrow) game.Budget = new FrameBudget(game.Budget.GpuMilliseconds * 2, game.Budget.CpuMilliseconds * 2);
            if (key == ConsoleKey.LeftArrow) game.Budget = new FrameBudget(game.Budget.GpuMilliseconds / 2, game.Budget.CpuMilliseconds / 2);
            if (key != ConsoleKey.Spacebar) return;
            paused = !paused;
            if (paused) game.Tavern.Model.Pause();
            else game.Tavern.Model.Resume();
        }
    }

    private static Rows Picture(Game game, int looksAt, bool paused)
    {
        var talk = new Table().Border(TableBorder.Rounded).AddColumns("who", "asked", "says").Expand();
        for (int i = 0; i < game.Tavern.Guests.Count; i++)
        {
            Guest guest = game.Tavern.Guests[i];
            talk.AddRow(new Text(i == looksAt ? $"> {guest.Name}" : $"  {guest.Name}"), new Text(guest.Question), new Text(guest.Line.ToString()));
        }
        Frame[] latest = [.. game.FramesFrom(Math.Max(0, game.FrameCount - 100))];
        IRenderable[] rows =
        [
            talk,
            new Text(string.Create(CultureInfo.InvariantCulture, $"budget {game.Budget.GpuMilliseconds:0.##} ms{(paused ? ", paused" : "")}   up/down: look at   left/right: budget   space: pause   q: leave")),
            new Text("frames  " + Graph(latest.Select(frame => frame.Milliseconds))),
            new Text("guests  " + Graph(latest.Select(frame => frame.AiMilliseconds))),
        ];
        return new Rows(rows);
    }

    /// <summary>A bar per frame; a full one is a sixtieth of a second.</summary>
    private static string Graph(IEnumerable<double> milliseconds) =>
        string.Concat(milliseconds.Select(ms => Bars[Math.Clamp((int)Math.Ceiling(ms / Game.FrameMilliseconds * (Bars.Length - 1)), 0, Bars.Length - 1)]));
}
