using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>
/// Reads lines, answers them and obeys the commands that begin with a slash. Answers go to stdout, everything else to stderr, so that a
/// pipe gets answers alone, one per line.
/// </summary>
internal sealed class Conversation(Chat chat)
{
    private const string Help = """
        /system TEXT   who the model is to be; alone, shows it
        /reset         forgets what was said
        /quit          ends; so does the end of the input
        Ctrl-C         stops an answer; twice ends
        """;

    private readonly bool _atTerminal = !Console.IsInputRedirected && !Console.IsErrorRedirected;
    private readonly Lock _gate = new();
    private CancellationTokenSource? _answering; // under _gate, as Ctrl-C comes on another thread
    private int _interruptions;

    public void Run()
    {
        Console.CancelKeyPress += OnInterrupt;
        if (_atTerminal) Console.Error.WriteLine("Ask something. /help lists the commands.");
        while (ReadLine() is string line && TryHandle(line.Trim()))
        {
        }
        Console.CancelKeyPress -= OnInterrupt;
    }

    private string? ReadLine()
    {
        if (_atTerminal) Console.Error.Write("\n> ");
        string? line = Console.In.ReadLine();
        lock (_gate) _interruptions = 0;
        return line;
    }

    /// <summary>False when the conversation is to end.</summary>
    private bool TryHandle(string line)
    {
        string[] words = line.Split(' ', 2, StringSplitOptions.TrimEntries);
        switch (words[0])
        {
            case "": break;
            case "/quit": return false;
            case "/help": Console.Error.WriteLine(Help); break;
            case "/reset": chat.Reset(); break;
            case "/system" when words.Length == 1: Console.Error.WriteLine(chat.Persona ?? "(none)"); break;
            case "/system": chat.Persona = words[1]; break;
            case ['/', ..]: Console.Error.WriteLine($"{words[0]} is not a command; /help lists them."); break;
            default: Answer(line); break;
        }
        return true;
    }

    private void Answer(string question)
    {
        using var answering = new CancellationTokenSource();
        lock (_gate) _answering = answering;
        try
        {
            foreach (string piece in chat.Ask(question, cancellationToken: answering.Token))
            {
                Console.Out.Write(piece);
                Console.Out.Flush();
            }
            Console.Out.WriteLine();
        }
        catch (ContextOverflowException e)
        {
            Console.Error.WriteLine(e.Message); // the next question may fit
        }
        finally
        {
            lock (_gate) _answering = null;
        }
    }

    private void OnInterrupt(object? sender, ConsoleCancelEventArgs e)
    {
        lock (_gate)
        {
            e.Cancel = ++_interruptions == 1;
            if (_answering is not null) _answering.Cancel();
            else if (e.Cancel) Console.Error.WriteLine("\nCtrl-C again ends.");
        }
    }
}
