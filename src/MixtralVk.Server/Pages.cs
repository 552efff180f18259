namespace MixtralVk.Server;

/// <summary>The pages, from the assembly: they need no folder beside the program, and nothing from outside.</summary>
internal static class Pages
{
    // Nothing but this server's own files; no other site may frame the page.
    private const string Policy = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Which address shows which file.</summary>
    public static IReadOnlyList<(string Address, string File)> Addresses { get; } =
        [("/", "index.html"), ("/ops", "ops.html"),
        .. ((string[])["kiosk.css", "kiosk.js", "words.js", "api.js", "ops.css", "ops.js"]).Select(file => ($"/page/{file}", file))];

    /// <summary>Sends a file.</summary>
    public static async Task SendAsync(HttpContext context, string file)
    {
        await using Stream content = typeof(Pages).Assembly.GetManifestResourceStream($"page/{file}")!;
        context.Response.ContentType = Path.GetExtension(file) switch
        {
            ".html" => "text/html; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            _ => "text/javascript; charset=utf-8",
        };
        context.Response.ContentLength = content.Length;
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers.ContentSecurityPolicy = Policy;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        await content.CopyToAsync(context.Response.Body, context.RequestAborted).ConfigureAwait(false);
    }
}
