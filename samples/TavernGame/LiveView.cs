using System.Globalization;
using System.Text;
using MixtralVk;
using MixtralVk.SaveGames;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace TavernGame;

/// <summary>The tavern in a terminal: who says and does what, what the player has, and a graph of the latest frames.</summary>
internal sealed class LiveView(Game game, string saves)
{
    private const string Bars = " ▁▂▃▄▅▆▇█";
    private const string Keys = "up/down: look at   enter: talk to them   s: save   l: load   left/right: budget   space: pause   q: leave";

    private readonly StringBuilder _line = new();
    private int _looksAt;
    private bool _types, _isPaused, _leaves;
    private string _news = "";

    public void Run()
    {
        int frames = 0;
        AnsiConsole.Live(new Text("")).Start(view =>
        {
            while (!_leaves)
            {
                while (Console.KeyAvailable) Press(Console.ReadKey(intercept: true));
                for (int i = 0; i < game.Tavern.Guests.Count; i++) game.Tavern.Guests[i].IsLookedAt = i == _looksAt;
                game.RunFrame(frames++ % 6 == 0 ? () => view.UpdateTarget(Picture()) : null); // ten pictures a second
            }
        });
    }

    private void Press(ConsoleKeyInfo key)
    {
        if (_types) Type(key);
        else Command(key.Key);
    }

    /// <summary>The player's line: enter says it, escape drops it.</summary>
    private void Type(ConsoleKeyInfo key)
    {
        if (key.Key == ConsoleKey.Backspace) _line.Length = Math.Max(0, _line.Length - 1);
        else if (key.Key is not (ConsoleKey.Enter or ConsoleKey.Escape))
        {
            if (!char.IsControl(key.KeyChar)) _line.Append(key.KeyChar);
        }
        else
        {
            if (key.Key == ConsoleKey.Enter && _line.Length > 0) game.Tavern.Guests[_looksAt].Hear(_line.ToString(), game.Tavern.Player);
            _line.Clear();
            _types = false;
        }
    }

    private void Command(ConsoleKey key)
    {
        int count = game.Tavern.Guests.Count;
        if (key == ConsoleKey.Q) _leaves = true;
        if (key == ConsoleKey.DownArrow) LookAt((_looksAt + 1) % count);
        if (key == ConsoleKey.UpArrow) LookAt((_looksAt + count - 1) % count);
        if (key == ConsoleKey.RightArrow) game.Budget = new FrameBudget(game.Budget.GpuMilliseconds * 2, game.Budget.CpuMilliseconds * 2);
        if (key == ConsoleKey.LeftArrow) game.Budget = new FrameBudget(game.Budget.GpuMilliseconds / 2, game.Budget.CpuMilliseconds / 2);
        if (key == ConsoleKey.S) Tell("saved to", game.Tavern.Save);
        if (key == ConsoleKey.L) Tell("loaded from", game.Tavern.Load);
        if (key == ConsoleKey.Enter)
        {
            _types = true;
            game.Tavern.Partner = game.Tavern.Guests[_looksAt];
            game.Tavern.Partner.Character.Interrupt(); // they stop and listen
        }
        if (key != ConsoleKey.Spacebar) return;
        _isPaused = !_isPaused;
        if (_isPaused) game.Tavern.Model.Pause();
        else game.Tavern.Model.Resume();
    }

    /// <summary>The player walks on; whom they leave goes back to small talk.</summary>
    private void LookAt(int guest)
    {
        _looksAt = guest;
        game.Tavern.Partner = null;
    }

    /// <summary>A game tells what went wrong with a save and goes on: nothing has changed then.</summary>
    private void Tell(string done, Action<string> work)
    {
        try
        {
            work(saves);
            _news = $"{done} {saves}";
        }
        catch (Exception e) when (e is IOException or SaveGameException)
        {
            _news = e.Message;
        }
    }

    private Rows Picture()
    {
        var talk = new Table().Border(TableBorder.Rounded).AddColumns("who", "hears", "says", "does").Expand();
        for (int i = 0; i < game.Tavern.Guests.Count; i++)
        {
            Guest guest = game.Tavern.Guests[i];
            talk.AddRow(new Text(i == _looksAt ? $"> {guest.Name}" : $"  {guest.Name}"), new Text(guest.Question), new Text(Said(guest)),
                new Text(guest.Deed));
        }
        Purse player = game.Tavern.Player;
        Frame[] latest = [.. game.FramesFrom(Math.Max(0, game.FrameCount - 100))];
        IRenderable[] rows =
        [
            talk,
            new Text($"you     {player.Gold} gold{string.Concat(player.Things.TakeLast(6).Select(thing => ", " + thing))}"),
            new Text(_types ? $"say     {_line}_" : Keys),
            new Text(string.Create(CultureInfo.InvariantCulture,
                $"budget  {game.Budget.GpuMilliseconds:0.##} ms{(_isPaused ? ", paused" : "")}   {_news}")),
            new Text("frames  " + Graph(latest.Select(frame => frame.Milliseconds))),
            new Text("guests  " + Graph(latest.Select(frame => frame.AiMilliseconds))),
        ];
        return new Rows(rows);
    }

    private static string Said(Guest guest) => guest.Emotion.Length == 0 ? guest.Speech.ToString() : $"{guest.Speech} ({guest.Emotion})";

    /// <summary>A bar per frame; a full one is a sixtieth of a second.</summary>
    private static string Graph(IEnumerable<double> milliseconds) =>
        string.Concat(milliseconds.Select(ms =>
            Bars[Math.Clamp((int)Math.Ceiling(ms / Game.FrameMilliseconds * (Bars.Length - 1)), 0, Bars.Length - 1)]));
}
