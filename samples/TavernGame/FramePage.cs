using System.Net;

namespace TavernGame;

/// <summary>A report as a page: the figures and the picture.</summary>
internal static class FramePage
{
    public static string Write(Report report) => $$"""
        <!doctype html><meta charset="utf-8"><title>Frame times</title>
        <style>body{font:15px system-ui,sans-serif;max-width:1020px;margin:24px auto;color:#222}pre{background:#f4f4f4;padding:10px}svg{width:100%}</style>
        <h1>Frame times</h1>
        <pre>{{WebUtility.HtmlEncode(report.ToText())}}</pre>
        {{FramePicture.Write(report)}}
        """;
}
